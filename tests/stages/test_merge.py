import json
import tracemalloc
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.files import sealed
from batchmark.stages.merge import merge
from tests.contract.editing import write_sealed
from tests.synthetic import Truth, example_request, write_results

REQUEST = example_request(trials=2, epochs=2.0, studies=("momentum",))
FASTER = Truth(seconds_per_example=1e-5)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    write_results(tmp_path / "other", REQUEST, seed=1, machine="laptop", device="gpu", truth=FASTER)
    return tmp_path / "other"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    write_results(tmp_path / "ours", REQUEST, seed=0)
    return tmp_path / "ours"


def test_another_machine_comes_to_lie_beside_ours(other: Path, ours: Path) -> None:
    before = sorted(ours.rglob("*.json"))
    fresh = merge(other, ours)
    assert len(fresh) == len(list(other.rglob("*.json")))
    assert sorted(ours.rglob("*.json")) == sorted([*before, *fresh])
    path = fresh[0]
    assert path.read_bytes() == (other / path.relative_to(ours)).read_bytes()


def test_merging_again_changes_nothing(other: Path, ours: Path) -> None:
    merge(other, ours)
    assert merge(other, ours) == []


def test_a_clash_is_refused_by_name_and_nothing_is_copied(tmp_path: Path, ours: Path) -> None:
    write_results(tmp_path / "same", REQUEST, seed=7, machine="local")
    write_results(tmp_path / "same", REQUEST, seed=7, machine="desktop")
    with pytest.raises(UserError, match=r"local/cpu/.*\.json and \d+ more exists already"):
        merge(tmp_path / "same", ours)
    assert not (ours / "desktop").exists()


def test_a_damaged_file_is_refused_by_name_and_nothing_is_copied(other: Path, ours: Path) -> None:
    path = max(other.rglob("runs/*.json"))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match=path.name):
        merge(other, ours)
    assert not (ours / "laptop").exists()


def test_a_renamed_folder_is_refused(other: Path, ours: Path) -> None:
    (other / "laptop").rename(other / "desktop")
    with pytest.raises(UserError, match=r"says laptop/gpu/.* but it lies under desktop/gpu/"):
        merge(other, ours)


def test_an_id_of_other_hyperparameters_is_refused(other: Path, ours: Path) -> None:
    path = min(other.rglob("runs/*.json"))
    content = json.loads(path.read_text())
    content["variant"]["hyperparameters"]["l1"] = 0.5
    write_sealed(path, content)
    with pytest.raises(UserError, match=f"{path.name}.*hyperparameters belong to"):
        merge(other, ours)


def test_hyperparameters_of_another_version_are_refused(other: Path, ours: Path) -> None:
    path = min(other.rglob("runs/*.json"))
    content = json.loads(path.read_text())
    content["variant"]["hyperparameters"]["surprise"] = 0.5
    write_sealed(path, content)
    with pytest.raises(UserError, match="this version of batchmark"):
        merge(other, ours)


def test_links_are_not_followed(other: Path, ours: Path) -> None:
    path = min(other.rglob("runs/*.json"))
    target = path.rename(other / "outside.json")
    path.symlink_to(target)
    with pytest.raises(UserError, match="not a plain file"):
        merge(other, ours)


def test_a_folder_without_results_is_refused(tmp_path: Path, ours: Path) -> None:
    with pytest.raises(UserError, match="no result files"):
        merge(tmp_path / "empty", ours)


LONG = "x" * 10_001


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("environment", {"note": LONG}, "environment: .*longer than 10,000 characters"),
        ("environment", {LONG: 1}, r"environment\.x+\.\.\.: .*at most 10000 characters"),
        ("environment", {"deep": [{"n": 10**4000}]}, "environment: .*too many digits"),
        ("environment", {"many": [0] * 10_001}, "environment: .*more than 10,000 values"),
        ("dataset", {"name": LONG}, "dataset.name: .*at most 10000 characters"),
        ("dataset", {"classes": 10**4000}, "dataset.classes"),
    ],
)
def test_what_no_page_could_show_is_refused_by_name(
    other: Path, ours: Path, key: str, value: dict, reason: str
) -> None:
    path = max(other.rglob("runs/*.json"))
    content = json.loads(path.read_text())
    content[key] |= value
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"{path.name} is refused: {reason}"):
        merge(other, ours)
    assert not (ours / "laptop").exists()


def test_more_machines_than_a_page_compares_are_refused(other: Path, ours: Path) -> None:
    for number in range(100):
        (ours / f"machine{number}").mkdir()
    with pytest.raises(UserError, match=r"Results of 10[12] machines are more than the 100"):
        merge(other, ours)
    assert not (ours / "laptop").exists()


def test_large_files_are_not_held_together(other: Path, ours: Path) -> None:
    """Eight files of 8 MB (blanks are JSON), and less than five of them in memory at once."""
    paths = sorted(other.rglob("runs/*.json"))[:8]
    for path in paths:
        path.write_bytes(sealed(b" " * 2**23 + path.read_bytes()))
    tracemalloc.start()
    merge(other, ours)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(paths) == 8
    assert peak < 5 * 2**23
