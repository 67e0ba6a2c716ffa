"""Stable names: a variant's id says what it is to a person and identifies it to a program."""

import hashlib
import json
import re
from typing import Any

from batchmark.contract.hyperparameters import Hyperparameters


def digest(content: Any, length: int = 8) -> str:
    """Hex digest of the canonical JSON of `content`, independent of key order."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def variant_id(hyperparameters: Hyperparameters) -> str:
    """`{model}-{optimizer}-bs{batch_size}-{digest}`, safe as a file name.

    Only settings that differ from their default enter the digest, so that ids survive the
    introduction of new hyperparameters.
    """
    model = _slug(hyperparameters.model)
    optimizer = _slug(hyperparameters.optimizer)
    return f"{model}-{optimizer}-bs{hyperparameters.batch_size}-{digest(hyperparameters.changed())}"


def _slug(name: str) -> str:
    """The part of an import path after the colon, reduced to letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name.rpartition(":")[2])[:30]
