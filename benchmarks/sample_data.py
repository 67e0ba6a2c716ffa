"""The embedded sample as the download stage would leave it."""

from pathlib import Path

from batchmark.dataset import sample
from batchmark.dataset.arrays import describe, save_arrays
from batchmark.dataset.record import DatasetRecord
from batchmark.results.schema import SAMPLE, write_result


def write_sample(folder: Path) -> None:
    """Write `data.npz` and `data.json`."""
    arrays = sample.load_sample()
    save_arrays(folder / "data.npz", arrays)
    facts = describe(SAMPLE, arrays, sample.CLASSES)
    record = DatasetRecord(facts=facts, source=sample.SOURCE, sums={})
    write_result(folder / "data.json", record)
