"""Parts of sentences: counts with their noun, and lists."""

from collections.abc import Sequence
from functools import reduce

from batchmark.report.messages import Message, say
from batchmark.report.numbers import significant


def epochs(count: float) -> Message:
    """A number of epochs."""
    written = significant(count, 2)
    return say("1 epoch") if written == "1" else say("{n} epochs", n=written)


def threads(count: float) -> Message:
    """A number of threads."""
    return say("1 thread") if count == 1 else say("{n} threads", n=int(count))


def listed(labels: Sequence[str]) -> Message:
    """Readers' names with commas between them, each once; there must be one."""
    return joined([Message(label) for label in dict.fromkeys(labels)])


def joined(parts: Sequence[Message]) -> Message:
    """Messages with commas between them; there must be one."""
    return reduce(lambda one, two: say("{one}, {two}", one=one, two=two), parts)
