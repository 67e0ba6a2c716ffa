"""From tidy tables to estimates with intervals."""
