"""Your code: models, and optimizers if you like."""
