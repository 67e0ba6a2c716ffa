"""Python's garbage collector at the pace that large libraries deserve."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS = 10_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom, and not once more when the process ends after this.

    TensorFlow and Keras are 3,500 modules, hundreds of thousands of objects and no garbage. Looking
    through them at Python's usual pace takes a sixth of their import, and as long again at the end.
    """
    gc.set_threshold(_ALLOCATIONS)
    try:
        yield
    finally:
        gc.freeze()
