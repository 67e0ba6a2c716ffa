import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from batchmark.dataset.arrays import load_dataset
from tests.dataset import faulty_server, tiny_idx
from tests.dataset.faulty_server import serving

MNIST = Path(__file__).resolve().parents[2].parent / "shared/data/mnist"


def _download(folder: Path, **changes: object) -> subprocess.CompletedProcess[str]:
    request = {
        "name": "tiny",
        "path": None,
        "mirrors": [],
        "fallback": "none",
        "connect_timeout": 10,
        "read_timeout": 10,
        "validation": 2,
    } | changes
    (folder / "request.json").write_text(json.dumps(request))
    asked = ["--request", str(folder / "request.json")]
    command = [sys.executable, "-m", "batchmark.stages.download", *asked]
    outputs = ["--npz", str(folder / "out/data.npz"), "--json", str(folder / "out/data.json")]
    return subprocess.run(
        [*command, *outputs], check=False, capture_output=True, text=True, cwd=folder
    )


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """An HTTP mirror of the real MNIST where it is at hand, of tiny files otherwise."""
    real = MNIST.is_dir()
    folder = MNIST if real else tiny_idx.write(tmp_path / "mirror")
    asked: dict[str, object] = {"name": "mnist", "validation": 10_000} if real else {}
    with serving(faulty_server.folder(folder)) as url:
        yield url, asked


def test_data_are_downloaded_verified_and_written(
    tmp_path: Path, mirror: tuple[str, dict[str, object]]
) -> None:
    url, asked = mirror
    done = _download(tmp_path, mirrors=[url], **asked)
    assert done.returncode == 0, done.stderr
    dataset = load_dataset(tmp_path / "out/data.npz", tmp_path / "out/data.json")
    if asked:
        assert (dataset.facts.train, dataset.facts.validation) == (50_000, 10_000)
        # The first digits of MNIST, as anyone who has seen it knows.
        assert dataset.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
        assert dataset.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
        assert np.bincount(dataset.test_labels).tolist()[:2] == [980, 1135]
    else:
        assert dataset.facts.train == tiny_idx.TRAINING - 2
    assert "Error" not in done.stderr


def test_a_failure_is_one_line_and_writes_nothing(tmp_path: Path) -> None:
    done = _download(tmp_path, mirrors=["/no/such"])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("batchmark: tiny could not be had")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_bad_request_is_one_line(tmp_path: Path) -> None:
    done = _download(tmp_path, fallback="hope")
    assert done.returncode == 1
    assert done.stderr.startswith(f"batchmark: {tmp_path}/request.json is refused: fallback:")
