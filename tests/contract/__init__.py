"""The messages and tables between stages."""
