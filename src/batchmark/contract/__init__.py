"""What stages hand each other; imports nothing above it."""
