"""The embedded sample as the download stage would leave it."""

from pathlib import Path

from batchmark.contract.record import SAMPLE, DatasetRecord, write_result
from batchmark.dataset import own
from batchmark.dataset.arrays import describe, save_arrays


def write_sample(folder: Path) -> None:
    """Write `data.npz` and `data.json`."""
    arrays = own.load_sample()
    save_arrays(folder / "data.npz", arrays)
    facts = describe(SAMPLE, arrays, own.CLASSES)
    record = DatasetRecord(facts=facts, source=own.SOURCE, sums={})
    write_result(folder / "data.json", record)
