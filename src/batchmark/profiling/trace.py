"""From the operations that TensorFlow's profiler recorded to the parts of a training step."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from pathlib import Path

from batchmark.contract.profile import Part

# What the count of floating point operations counts, under any of oneDNN's names.
PRODUCTS = re.compile(r"Conv[123]D|DepthwiseConv|MatMul|Einsum")
# TensorFlow numbers a scope that it opens again, as Keras does with each layer.
_NUMBER = re.compile(r"_\d+$")
# Our own layers behind another, into whose operation oneDNN may draw them.
_BELONGING = ("_activation", "_normalization")

Place = tuple[Part, str, bool]
"""A part of a step, the layer (empty: none), and whether it is spent in products."""


@dataclass(frozen=True)
class Operation:
    """One execution: name with its scopes, kind, and clock in picoseconds."""

    name: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Names:
    """The names of a model's layers and of its optimizers, by which scopes are told."""

    layers: frozenset[str]
    optimizers: frozenset[str]

    def layer(self, operation: Operation) -> str:
        """The innermost layer among the scopes; empty: none."""
        for scope in reversed(operation.name.split("/")):
            if name := _known(scope, self.layers):
                owners = [name.removesuffix(end) for end in _BELONGING if name.endswith(end)]
                return next((owner for owner in owners if owner in self.layers), name)
        return ""

    def part(self, operation: Operation) -> Part | None:
        """Which part of the step its scopes tell; None: none."""
        scopes = operation.name.split("/")
        if any(_known(scope, self.optimizers) for scope in scopes):
            return "update"
        if "gradient_tape" in scopes:
            return "backward"
        return "forward" if self.layer(operation) else None


def _known(scope: str, names: frozenset[str]) -> str:
    # Without its number first: a scope "dense_1" is that of "dense" opened for the second time.
    return next((name for name in (_NUMBER.sub("", scope), scope) if name in names), "")


def read(path: Path) -> list[Operation]:
    """The executed operations in a trace of the profiler, `*.xplane.pb`, by their start."""
    # With TensorFlow; its switches must be set.
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # noqa: PLC0415

    space = xplane_pb2.XSpace()  # pyrefly: ignore [missing-attribute] made at run time
    space.ParseFromString(path.read_bytes())
    found = [
        Operation(name, kind, start, start + event.duration_ps)
        for plane in space.planes
        for line in plane.lines
        for event in line.events
        for about in [plane.event_metadata[event.metadata_id]]
        for name, _, kind in [about.name.rpartition(":")]
        # Others are the profiler's own marks, of thread pools and memory.
        if kind and about.display_name == kind
        for start in [line.timestamp_ns * 1000 + event.offset_ps]
    ]
    return sorted(found, key=lambda operation: operation.start)


def times(operations: Sequence[Operation], names: Names) -> dict[Place, int]:
    """Picoseconds by place, from the first operation's start to the last one's end.

    What names neither layer nor part counts with the part that comes next: choosing images with
    the forward pass, the loss and the gradient of our own pooling with the backward one.
    """
    spent: dict[Place, int] = {}
    parts = dict(zip(map(id, operations), _parts(operations, names), strict=True))
    for operation, time in _turns(operations):
        place: Place = ("between", "", False)
        if operation is not None:
            products = bool(PRODUCTS.search(operation.kind))
            place = (parts[id(operation)], names.layer(operation), products)
            if place[0] == "update":
                place = ("update", "", products)
        spent[place] = spent.get(place, 0) + time
    return spent


def _parts(operations: Sequence[Operation], names: Names) -> list[Part]:
    told: list[Part | None] = [names.part(operation) for operation in operations]
    passes: list[Part] = [part for part in told if part in ("forward", "backward")]
    following: Part = passes[-1] if passes else "forward"
    parts: list[Part] = []
    for part in reversed(told):
        if part is not None and part != "update":
            following = part
        parts.append(following if part is None else part)
    return parts[::-1]


def _turns(operations: Sequence[Operation]) -> Iterator[tuple[Operation | None, int]]:
    """Which operation each stretch of time counts for: of several the one that began last."""
    waiting = sorted(operations, key=lambda operation: operation.start, reverse=True)
    running: list[tuple[int, int, Operation]] = []
    moments = sorted({moment for each in operations for moment in (each.start, each.end)})
    for begun, ended in pairwise(moments):
        while waiting and waiting[-1].start == begun:
            heappush(running, (-begun, len(waiting), waiting.pop()))
        while running and running[0][2].end <= begun:
            heappop(running)
        yield (running[0][2] if running else None), ended - begun
