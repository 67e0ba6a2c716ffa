"""The engine: models, optimizers, sessions, trials, runs."""
