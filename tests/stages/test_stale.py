from pathlib import Path

from batchmark.contract.requests.collect import CollectRequest
from batchmark.stages.clean_stale import stale_files
from tests.plan.conftest import OpenPlan


def test_only_this_machines_results_outside_the_plan_are_stale(
    plan_of: OpenPlan, tmp_path: Path
) -> None:
    plan = plan_of()
    name = next(iter(plan.variants))
    results = tmp_path / "results"
    wanted = [f"local/cpu/runs/{name}.json", "local/cpu/timings/first.json"]
    unwanted = ["local/cpu/runs/old.json", "local/cpu/timings/old.json"]
    foreign = ["laptop/cpu/runs/old.json"]
    for file in (*wanted, *unwanted, *foreign):
        (results / file).parent.mkdir(parents=True, exist_ok=True)
        (results / file).touch()
    scratch = tmp_path / "scratch" / "cpu"
    (scratch / "old").mkdir(parents=True)
    (scratch / name).mkdir()
    request = CollectRequest.model_validate_json(Path(plan.collect_request()).read_text())
    found = stale_files(request, results, tmp_path / "scratch")
    assert found == sorted([*(results / file for file in unwanted), scratch / "old"])
