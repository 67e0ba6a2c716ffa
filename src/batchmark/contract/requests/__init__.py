"""The request to each stage: one module a stage, so that a field concerns no other."""
