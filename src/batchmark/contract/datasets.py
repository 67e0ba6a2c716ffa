"""Which of several data sets a variant is trained on: its id names any but the first."""

# In no name and in no other part of an id.
_BETWEEN = "--"
# An id has room for so much more.
LONGEST_NAME = 18


def on_dataset(variant: str, dataset: str) -> str:
    """The id of a variant trained on `dataset`, which is empty for the first."""
    return f"{dataset}{_BETWEEN}{variant}" if dataset else variant


def dataset_of(variant: str) -> str:
    """The data set that an id names; empty: the first."""
    return variant.rpartition(_BETWEEN)[0]


def on_any(variant: str) -> str:
    """The id without its data set, which variants of the same settings share."""
    return variant.rpartition(_BETWEEN)[2]
