"""Training steps of the built-in networks, compiled at run time for this processor."""
