import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchmark.collecting.gather import find_incoming, find_places
from batchmark.collecting.tidy import Collection, collect
from batchmark.contract.errors import UserError
from batchmark.contract.requests.collect import CollectRequest
from batchmark.contract.requests.message import Variant
from tests.contract.editing import write_sealed
from tests.synthetic import Example, Truth, collect_request, example_request, write_results

REQUEST = example_request(trials=2, epochs=2.0, studies=("momentum",))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_results(tmp_path, REQUEST, seed=0)
    return tmp_path


def collected(results: Path, request: Example = REQUEST) -> Collection:
    return collect(collect_request(request), results, results / "logs", partial=False)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    write_sealed(path, content)


def run_files(results: Path) -> list[Path]:
    return [results / "local/cpu/runs" / f"{each.id}.json" for each in REQUEST.variants]


def test_undamaged_results_are_accepted(results: Path) -> None:
    assert len(collected(results).rows["variants"]) == len(REQUEST.variants)


def test_a_truncated_file_is_named(results: Path) -> None:
    path = run_files(results)[3]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=f"{path.name} is refused: .*Invalid JSON: EOF"):
        collected(results)


def test_a_file_renamed_to_another_variant_is_refused(results: Path) -> None:
    one, other = run_files(results)[:2]
    one.write_bytes(other.read_bytes())
    with pytest.raises(UserError, match=f"variant.id is '{other.stem}' but .* '{one.stem}'"):
        collected(results)


def test_an_id_that_does_not_match_its_hyperparameters_is_refused(results: Path) -> None:
    path = run_files(results)[0]
    edit(path, lambda run: run["variant"]["hyperparameters"].update(momentum=0.123))
    with pytest.raises(UserError, match=r"hyperparameters.momentum is 0.123 but .* stands for 0.0"):
        collected(results)


def test_unknown_hyperparameters_are_refused(results: Path) -> None:
    path = run_files(results)[0]
    edit(path, lambda run: run["variant"]["hyperparameters"].update(surprise=1))
    with pytest.raises(UserError, match="surprise"):
        collected(results)


def test_results_of_another_data_set_are_refused_with_both_digests(results: Path) -> None:
    path = run_files(results)[4]
    edit(path, lambda run: run["dataset"].update(digest="other"))
    with pytest.raises(UserError, match=rf"{path.name}.*dataset.digest is 'other' but 'd1d1"):
        collected(results)


@pytest.mark.parametrize("kind", ["runs", "timings", "gradients", "profiles"])
def test_mixed_library_versions_are_refused_with_key_and_values(results: Path, kind: str) -> None:
    request = example_request(trials=2, epochs=2.0, studies=("batch_size", "momentum"))
    write_results(results, request, seed=0)
    path = min((results / "local/cpu" / kind).glob("*.json"))
    edit(path, lambda run: run["environment"]["versions"].update(keras="3.0.0"))
    with pytest.raises(UserError, match=rf"{path.name}.*versions.keras is '3.0.0' but '3.15.1'"):
        collected(results, request)


def test_results_of_two_versions_of_our_own_are_collected_together(results: Path) -> None:
    edit(run_files(results)[0], lambda run: run["environment"]["versions"].update(batchmark="9.9"))
    edit(run_files(results)[1], lambda run: run["environment"]["versions"].update(batchmark="9.8"))
    assert collected(results).rows["variants"]


def test_two_machines_may_have_different_versions(results: Path) -> None:
    other = Truth(versions={"keras": "3.0.0"})
    write_results(results, REQUEST, seed=1, machine="laptop", truth=other)
    machines = {row["machine"] for row in collected(results).rows["variants"]}
    assert machines == {"local", "laptop"}


def test_two_machines_may_not_have_different_data(results: Path) -> None:
    write_results(results, REQUEST, seed=1, machine="laptop")
    for path in (results / "laptop/cpu").glob("*/*.json"):
        edit(path, lambda run: run["dataset"].update(digest="other"))
    with pytest.raises(UserError, match=r"laptop.*dataset\.digest"):
        collected(results)


def test_a_file_in_the_folder_of_another_machine_is_refused(results: Path) -> None:
    path = run_files(results)[0]
    edit(path, lambda run: run.update(machine="laptop"))
    with pytest.raises(UserError, match="machine is 'laptop' but its folder is 'local'"):
        collected(results)


def test_a_timing_session_of_another_study_is_refused(results: Path) -> None:
    path = results / "local/cpu/timings/momentum.json"
    edit(path, lambda session: session.update(study="optimizer"))
    with pytest.raises(UserError, match="study is 'optimizer' but the file is named 'momentum'"):
        collected(results)


def test_results_outside_the_plan_are_left_alone(results: Path) -> None:
    (results / "local/cpu/runs/stale.json").write_text("no result at all")
    assert len(collected(results).rows["variants"]) == len(REQUEST.variants)


def test_folders_with_strange_names_are_no_machines(results: Path) -> None:
    (results / "-x; rm" / "cpu" / "runs").mkdir(parents=True)
    (results / "tables").mkdir()
    places = find_places(results, collect_request(REQUEST))
    assert [place.machine for place in places] == ["local"]


def on_mine(results: Path) -> tuple[CollectRequest, Path]:
    """A part of the study on another data set: a plan, and the result of its one variant."""
    request, (first, *_) = collect_request(REQUEST), REQUEST.variants
    other = Variant(id=f"mine--{first.id}", hyperparameters=first.hyperparameters)
    path = results / "local/cpu/runs" / f"{other.id}.json"
    path.write_bytes(run_files(results)[0].read_bytes())

    def move(run: dict[str, Any]) -> None:
        run["variant"]["id"] = other.id
        run["dataset"].update(name="mine", digest="d2" * 32)
        run["dataset"]["notes"] = [{"code": "few_images", "text": "Few."}]

    edit(path, move)
    studies = {**request.studies, "momentum-mine": [other.id]}
    variants = [*request.variants, other]
    return request.model_copy(update={"studies": studies, "variants": variants}), path


def test_results_on_two_data_sets_are_kept_apart(results: Path) -> None:
    request, path = on_mine(results)
    found = collect(request, results, results / "logs", partial=False)
    names = {row["variant"]: row["dataset"] for row in found.rows["variants"]}
    assert names.pop(path.stem) == "mine"
    assert {*names.values()} == {"mnist"}
    record = found.environment["local/cpu"]
    assert record["dataset"]["name"] == "mnist"
    assert record["other_datasets"]["mine"]["digest"] == "d2" * 32
    notes = [row for row in found.rows["warnings"] if row["code"] == "few_images"]
    assert [row["subject"] for row in notes] == ["mine"]
    assert path.relative_to(results) in find_incoming(results)


def test_a_result_that_was_made_on_another_data_set_than_its_id_says_is_refused(
    results: Path,
) -> None:
    _, path = on_mine(results)
    edit(path, lambda run: run["dataset"].update(name="yours"))
    with pytest.raises(UserError, match=r"variant\.id is 'mine--"):
        find_incoming(results)
