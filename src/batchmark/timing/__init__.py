"""How long a step takes, with the machine to itself."""
