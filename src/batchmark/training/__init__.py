"""Training Keras models: exact, repeatable, and many steps per graph call."""
