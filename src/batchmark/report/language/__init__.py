"""Messages, numbers and their translation."""
