"""What the stages hand each other. Imports nothing above it."""
