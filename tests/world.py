from dataclasses import dataclass
from pathlib import Path

import pytest

from batchmark.collecting.tidy import collect
from batchmark.stages.collect import write_collection
from batchmark.statistics.epoch_time import noise
from batchmark.statistics.study_data import Measurements, StudyData, read_measurements, studies
from tests.synthetic import Example, Truth, collect_request, example_request, write_results


@dataclass(frozen=True)
class World:
    """Synthetic results, collected: what the truth was and what was measured."""

    folder: Path
    request: Example
    truth: Truth
    measured: Measurements

    def data(self, study: str) -> StudyData:
        floors = noise(self.measured.timings, self.measured.times)
        return next(b for b in studies(self.measured, floors) if b.study.name == study)


def make_world(folder: Path, request: Example, truth: Truth | None = None, seed: int = 0) -> World:
    truth = truth or Truth()
    write_results(folder / "results", request, seed, truth=truth)
    collection = collect(
        collect_request(request), folder / "results", folder / "logs", partial=False
    )
    write_collection(collection, folder / "tables")
    return World(folder, request, truth, read_measurements(folder / "tables", request))


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """All studies of the full scale."""
    return make_world(tmp_path_factory.mktemp("world"), example_request())
