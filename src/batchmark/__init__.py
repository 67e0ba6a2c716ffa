"""batchmark: which batch size to train with on this machine, and how sure that is."""
