"""What a mirror may cost: time-outs, speed and sizes; and the fault of one that costs more."""

from dataclasses import dataclass


class MirrorError(Exception):
    """Why a mirror does not serve: a phrase without local paths, fit for `data/mnist.json`."""


class MissingFileError(MirrorError):
    """The mirror answers but has no file of that name."""


@dataclass(frozen=True)
class Limits:
    """Bounds for one file of a mirror.

    connect, read: seconds until a connection stands, and between two pieces of the answer.
    total: seconds for the whole file. slowest: bytes per second below which, over `read` seconds,
    a mirror is given up. largest: bytes, packed or unpacked. retries: after a cut connection or
    a server error.
    """

    connect: float = 5.0
    read: float = 15.0
    total: float = 600.0
    slowest: float = 2_000.0
    largest: int = 2**30
    retries: int = 1
