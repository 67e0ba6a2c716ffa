"""One thin module a rule: parse, read, call, write."""
