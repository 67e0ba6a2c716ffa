"""The files that stages hand to each other: schemas, validating readers and atomic writers."""
