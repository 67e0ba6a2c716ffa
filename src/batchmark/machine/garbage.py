"""Python's garbage collector at the pace that large libraries deserve."""

import atexit
import gc

# Some ten times Python's own.
_ALLOCATIONS = 10_000


def collect_seldom() -> None:
    """Look for garbage seldom in this process, and not once more at its end.

    TensorFlow and Keras are 3,500 modules, hundreds of thousands of objects and no garbage. Looking
    through them at Python's usual pace takes a seventh of their import, and longer at the end.
    """
    gc.set_threshold(_ALLOCATIONS)
    atexit.register(gc.freeze)
