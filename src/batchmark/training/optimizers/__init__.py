"""Optimizers by name: Keras's own, Rprop, and the user's."""
