"""A bad configuration given to the real Snakemake: a sentence, and nothing written.

`tests/plan/test_bad_config.py` has all the mistakes; here is what becomes of a sentence.
A file that is absent or not UTF-8 is met by Snakemake's own reader, in Snakemake's own words.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.workflow.checkout import Checkout, copy_project

MISTAKES = [
    (b"trainng: {epochs: 1}\n", "config/micro.yaml: unknown key trainng; did you mean 'training'?"),
    (b"training: {epochs: -1}\n", "config/micro.yaml: training.epochs = -1: "),
    (b"studies: {batch_size: {file: nowhere.yaml}}\n", "no such study file (nowhere.yaml)"),
    (b"training:\n\tepochs: 1\n", "make sure to not mix whitespace and tab indentation."),
]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return copy_project(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize(("content", "sentence"), MISTAKES)
def test_a_mistake_ends_in_its_sentence(
    untouched: Checkout, tmp_path: Path, content: bytes, sentence: str
) -> None:
    mistaken = tmp_path / "mistaken.yaml"
    mistaken.write_bytes(content)
    before = _files(untouched.folder)
    result = untouched.snakemake(config=mistaken)
    words = result.stdout + result.stderr
    assert result.returncode == 1, words
    assert sum(sentence in line for line in words.splitlines()) == 1, words
    assert "Traceback" not in words
    assert _files(untouched.folder) <= before | {"config/micro.yaml"}


def _files(folder: Path) -> set[str]:
    """All files but what Snakemake keeps for itself, and compiled modules."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    ours = Path(".snakemake", "batchmark")
    return {
        str(path)
        for path in found
        if path.suffix != ".pyc" and (path.parts[0] != ".snakemake" or ours in path.parents)
    }


def test_braces_are_no_wildcards(untouched: Checkout, tmp_path: Path) -> None:
    folder = untouched.folder
    pixels, labels = np.zeros((4, 8, 8), np.uint8), np.array([0, 1, 0, 1], np.uint8)
    arrays = {f"x_{part}": pixels for part in ("train", "test")}
    arrays |= {f"y_{part}": labels for part in ("train", "test")}
    np.savez(folder / "a{x}b.npz", allow_pickle=False, **arrays)
    foreign = folder / "results/m{a}/cpu/runs/x{b}.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{}")
    overlay = tmp_path / "braces.yaml"
    overlay.write_text(
        "dataset: {name: mine, path: 'a{x}b.npz', validation: 1}\ntargets: {mine: [0.9]}\n"
        "publish: {remote: 'git@example.org:{y}/z.git'}\n"
    )
    try:
        result = untouched.snakemake("--dry-run", "publish", config=overlay)
    finally:
        shutil.rmtree(folder / "results/m{a}")
    assert result.returncode == 0, result.stdout + result.stderr
