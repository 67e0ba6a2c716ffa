"""The report: figures, view models and the one page made of them. Never imports TensorFlow."""
