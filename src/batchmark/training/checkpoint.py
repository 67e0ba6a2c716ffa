"""Scratch copies of a trial under way, so that a killed run goes on where it was.

A checkpoint holds the weights, the optimizer's variables, the random state and the history. It
is kept when the trial ends: a later run with more epochs continues from it.
"""

import hashlib
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from batchmark.results.atomic import replacing
from batchmark.training.evaluations import History
from batchmark.training.session import Session
from batchmark.training.trial import Progress


def key_of(facts: dict[str, Any]) -> str:
    """A digest of everything that a checkpoint's weights depend on."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass
class Checkpoint:
    """One trial's file. It is read only when its `key` fits, and saved every `seconds`."""

    path: Path
    key: str
    seconds: float
    _saved: float = field(default_factory=time.monotonic)

    def save(self, session: Session, progress: Progress, last: bool) -> None:
        """Write the state if it is the `last` of a trial or the previous copy is old enough."""
        if not last and time.monotonic() - self._saved < self.seconds:
            return
        with replacing(self.path) as scratch:
            np.savez(scratch, **_packed(self.key, session, progress), allow_pickle=False)
        self._saved = time.monotonic()

    def load(self, session: Session, steps: int) -> Progress | None:
        """Restore the session and return its progress; None when there is nothing to use.

        What a killed write left behind is removed. A file of another key, or from beyond `steps`,
        is passed over; an unreadable one too, with a warning on stderr.
        """
        for leftover in self.path.parent.glob(f".{self.path.name}.*"):
            leftover.unlink()
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file:
                arrays = dict(np.load(file, allow_pickle=False))
            facts = json.loads(str(arrays["facts"]))
            if facts["key"] != self.key or facts["step"] > steps:
                return None
            return _unpacked(facts, arrays, session)
        except Exception as error:  # zipfile, zlib, struct and json all have their own for damage
            reason = f"{type(error).__name__}: {error}"
            print(f"warning: {self.path} is no usable checkpoint ({reason}); starting over.",
                  file=sys.stderr)  # fmt: skip
            return None


def _packed(key: str, session: Session, progress: Progress) -> dict[str, Any]:
    history = progress.history
    facts = {
        "key": key,
        "step": session.step,
        "columns": history.columns,
        "correct": history.correct,
        "started": progress.started,
        "seconds": progress.seconds,
    }
    state = {f"state{i}": array for i, array in enumerate(session.state())}
    best = {f"best{i}": array for i, array in enumerate(progress.best)}
    return {"facts": json.dumps(facts), "losses": np.array(history.losses), **state, **best}


def _unpacked(facts: dict[str, Any], arrays: dict[str, Any], session: Session) -> Progress:
    history = History(
        session.steps_per_epoch,
        session.batches.batch_size,
        facts["columns"],
        arrays["losses"].tolist(),
        facts["correct"],
    )
    progress = Progress(history, _numbered(arrays, "best"), facts["started"], facts["seconds"])
    # Last, and all or nothing: after a fault the trial starts over from the session as it is.
    session.restore(_numbered(arrays, "state"), facts["step"])
    return progress


def _numbered(arrays: dict[str, Any], name: str) -> list[Any]:
    count = sum(key.startswith(name) for key in arrays)
    return [arrays[f"{name}{number}"] for number in range(count)]
