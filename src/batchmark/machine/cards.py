"""Devices of which a process has one for itself: which one it may use, of any kind.

A process's devices are fixed when it starts up, so the choice is made through a variable of the
environment before TensorFlow is imported; a lock file a device keeps two processes off the same
one. What the cards of a kind say stands in a module of its own.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol, cast

from batchmark.contract.devices import KINDS, Device
from batchmark.contract.errors import UserError
from batchmark.machine.locks import EXCLUSIVE, announcer, open_lock, try_lock

Facts = dict[str, Any]
# Ids of whole cards and of slices of one (MIG), which CUDA takes in place of numbers.
_IDS = ("GPU-", "MIG-")
# The kernel queues for one lock, not for any of several, so waiting for a card means looking again.
_PAUSE = 0.2  # seconds


class Driver(Protocol):
    """What the module of a kind tells of its cards; nothing where there is no driver."""

    def devices(self) -> list[str]:
        """Their ids as the kind's variable takes them."""
        ...

    def describe(self) -> list[Facts]:
        """What stays: `name` and `memory_bytes` at least. None: the card does not tell."""
        ...

    def observe(self) -> list[Facts]:
        """What moves: `memory_used_bytes` and the reasons it is `slowed_by` at least."""
        ...


def describe() -> list[Facts]:
    """What stays the same of this machine's cards, of every kind."""
    return [card for kind in KINDS if (driver := _driver(kind)) for card in driver.describe()]


def observe(device: Device) -> list[Facts]:
    """What moves on the cards of this kind; none where the processor computes."""
    driver = _driver(device)
    return driver.observe() if driver else []


def usable(device: Device) -> list[str]:
    """The cards of this kind that the user lets this process see."""
    driver = _driver(device)
    return visible(driver.devices(), device) if driver else []


def _driver(device: Device) -> Driver | None:
    cards = KINDS[device].cards
    return cast(Driver, import_module(f"batchmark.machine.{cards.module}")) if cards else None


def _variable(device: Device) -> str:
    cards = KINDS[device].cards
    return cards.variable if cards else ""


@contextmanager
def own(description: str, device: Device) -> Iterator[None]:
    """Where the device is a card, have one that no other process uses; wait if none is free.

    `description` says who waits. Raises UserError when there is no card at all.
    """
    kind = KINDS[device]
    if kind.cards is None:
        yield
        return
    candidates = usable(device)
    if not candidates:
        raise UserError(
            f"{description} asks for a {kind.name} and none was found; check {kind.cards.remedy}, "
            "or set `devices: [cpu]` in the configuration."
        )
    with claimed(description, candidates, device):
        yield


@contextmanager
def claimed(
    description: str, candidates: Sequence[str], device: Device, folder: Path | None = None
) -> Iterator[str]:
    """Own one of the cards `found` and make it the only one seen; wait if none is free."""
    with ExitStack() as until_done:
        card = _free(candidates, device, until_done, folder)
        if card is None:
            announcer(description, f"the {KINDS[device].name}")("other processes of batchmark")
        while card is None:
            time.sleep(_PAUSE)
            card = _free(candidates, device, until_done, folder)
        until_done.enter_context(_only(card, device))
        yield card


def visible(found: Sequence[str], device: Device) -> list[str]:
    """The cards this process may choose from: those found, or what the user narrowed them to.

    As CUDA reads it: a list of numbers and ids that ends before the first that is none ("-1").
    """
    chosen = os.environ.get(_variable(device))
    if chosen is None:
        return list(found)
    names = (name.strip() for name in chosen.split(","))
    return list(takewhile(lambda name: name in found or name.startswith(_IDS), names))


def _free(
    candidates: Sequence[str], device: Device, until_done: ExitStack, folder: Path | None
) -> str | None:
    for card in candidates:
        file_name = "".join(c if c.isalnum() else "-" for c in card)
        handle = open_lock(f"batchmark-{device}-{file_name}.lock", folder)
        if try_lock(handle, EXCLUSIVE):
            until_done.callback(os.close, handle)
            return card
        os.close(handle)
    return None


@contextmanager
def _only(card: str, device: Device) -> Iterator[None]:
    """This card alone is seen until the end; then the user's choice holds again."""
    variable = _variable(device)
    before = os.environ.get(variable)
    os.environ[variable] = card
    try:
        yield
    finally:
        del os.environ[variable]
        if before is not None:
            os.environ[variable] = before
