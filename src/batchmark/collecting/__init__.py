"""From result files to tidy tables."""
