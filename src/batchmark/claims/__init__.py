"""What the literature claims, and the rules that decide it."""
