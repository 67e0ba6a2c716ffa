from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchmark.contract.errors import UserError
from batchmark.contract.record import DatasetRecord, write_result
from batchmark.dataset.arrays import Arrays, describe, digest, load_dataset, save_arrays


@pytest.fixture
def arrays() -> Arrays:
    images = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3, 1)
    labels = np.array([0, 1, 0, 1, 0, 1], np.uint8)
    return Arrays(images[:3], labels[:3], images[3:4], labels[3:4], images[4:], labels[4:])


def _save(folder: Path, arrays: Arrays) -> tuple[Path, Path]:
    record = DatasetRecord(facts=describe("tiny", arrays, 2), source="a local folder", sums={})
    npz, facts = folder / "data.npz", folder / "data.json"
    save_arrays(npz, arrays)
    write_result(facts, record)
    return npz, facts


def test_facts_count_what_is_there(arrays: Arrays) -> None:
    facts = describe("tiny", arrays, 2)
    assert (facts.train, facts.validation, facts.test) == (3, 1, 2)
    assert facts.image_shape == (2, 3, 1)


def test_saved_data_come_back(tmp_path: Path, arrays: Arrays) -> None:
    dataset = load_dataset(*_save(tmp_path, arrays))
    np.testing.assert_array_equal(dataset.train_images, arrays.train_images)
    assert dataset.test_labels.tolist() == [0, 1]
    assert dataset.facts.name == "tiny"


def test_files_are_read_once_while_they_are_the_same(tmp_path: Path, arrays: Arrays) -> None:
    files = _save(tmp_path, arrays)
    dataset = load_dataset(*files)
    assert load_dataset(*files) is dataset
    _save(tmp_path, replace(arrays, test_labels=1 - arrays.test_labels))
    assert load_dataset(*files).test_labels.tolist() == [1, 0]
    files[0].unlink()
    with pytest.raises(UserError, match=r"data\.npz cannot be read"):
        load_dataset(*files)


def test_digest_sees_pixels_labels_and_split(arrays: Arrays) -> None:
    pixel = arrays.train_images.copy()
    pixel[0, 0, 0, 0] += 1
    moved = replace(
        arrays,
        train_labels=arrays.train_labels[:2],
        validation_labels=np.concatenate([arrays.train_labels[2:], arrays.validation_labels]),
    )
    others = [
        replace(arrays, train_images=pixel),
        replace(arrays, test_labels=arrays.test_labels[::-1]),
        moved,
    ]
    assert len({digest(one) for one in [arrays, *others]}) == 4
    assert digest(replace(arrays)) == digest(arrays)


def test_digest_does_not_depend_on_memory_layout(arrays: Arrays) -> None:
    other = replace(arrays, train_images=np.asfortranarray(arrays.train_images))
    assert digest(other) == digest(arrays)


def test_foreign_arrays_are_refused(tmp_path: Path, arrays: Arrays) -> None:
    npz, facts = _save(tmp_path, arrays)
    save_arrays(npz, replace(arrays, test_labels=arrays.test_labels[::-1]))
    with pytest.raises(UserError, match="does not belong to"):
        load_dataset(npz, facts)


def test_a_missing_array_is_named(tmp_path: Path, arrays: Arrays) -> None:
    npz, facts = _save(tmp_path, arrays)
    np.savez(npz, train_images=arrays.train_images)
    with pytest.raises(UserError, match="lacks train_labels, validation_images"):
        load_dataset(npz, facts)


def test_a_record_with_an_unknown_key_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    npz, facts = _save(tmp_path, arrays)
    facts.write_text(facts.read_text().replace('"source"', '"sauce"'))
    with pytest.raises(UserError, match=r"data\.json is refused"):
        load_dataset(npz, facts)
