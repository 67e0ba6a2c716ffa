"""From result files to tidy tables, and from tables to statistics, verdicts and the answer."""
