"""Devices of which a process has one for itself: which there are, and which one it may use.

A process's devices are fixed when it starts up, so the choice is made through a variable of the
environment before TensorFlow is imported; a lock file a device keeps two processes off the same
one. What the cards of a kind say stands in a module of its own.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from batchmark.contract.devices import DEVICES, KINDS, Device
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


def cards_of_job(device: Device) -> int:
    """How many cards a job on such a device has for itself."""
    return int(KINDS[device].cards is not None)


def card_count() -> int:
    """The number of this machine's cards of all kinds that the user lets processes see."""
    return sum(len(usable(device)) for device in DEVICES)


def usable_devices() -> list[Device]:
    """The devices of this machine that the installed TensorFlow can use: the CPU at least."""
    return [device for device in DEVICES if _is_usable(device)]


def _is_usable(device: Device) -> bool:
    kind = KINDS[device].cards
    if kind is None:
        return True
    # Both packages hold the same module: where both are installed, it may be the CPU's.
    able = _installed(kind.package) and not _installed("tensorflow_cpu")
    return able and bool(usable(device))


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def resolve_devices(
    wanted: Literal["auto"] | Sequence[Device], usable: Sequence[Device], *, elsewhere: bool = False
) -> list[Device]:
    """The devices to run on. Raises UserError when one is wanted that this machine lacks.

    `elsewhere`: jobs run on other machines, whose cards cannot be counted from here.
    """
    if wanted == "auto":
        return list(usable)
    for device in wanted:
        kind = KINDS[device].cards
        if kind and device not in usable and not elsewhere:
            raise UserError(
                f"devices = [{device}]: no {KINDS[device].name} can be used here: the driver "
                f"reports none, {kind.variable} hides them or the installed TensorFlow is the "
                f"CPU's; check {kind.remedy}, or use devices: auto or [cpu]."
            )
    return list(dict.fromkeys(wanted))


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
    """Own one of these cards and make it the only one seen; wait if none is free."""
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
