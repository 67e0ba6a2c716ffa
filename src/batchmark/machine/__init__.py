"""This machine: what it is, and who may use it when."""
