"""Gradients of mini-batches against the gradient of all data."""
