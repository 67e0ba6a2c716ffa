"""The data sets known by name, and own data on this machine: where they lie, how to tell them."""

import ast
import gzip
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from batchmark.contract.errors import UserError

NAME = "mnist"

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

# Small files first: a mirror that does not serve is found out before much is loaded.
FILES = (TEST_LABELS, TRAIN_LABELS, TEST_IMAGES, TRAIN_IMAGES)


@dataclass(frozen=True)
class Known:
    """A data set of four IDX files: 60,000 and 10,000 grey images of 28 x 28 in ten classes.

    `sums`: SHA-256 of the unpacked files. `mirrors`: who serves them to everybody, in order.
    `folder`: where a package of the system puts them.
    """

    title: str
    sums: dict[str, str]
    mirrors: tuple[str, ...] = ()
    folder: Path | None = None

    def sources(self) -> list[str]:
        """Where to get the files, in order; the package's folder first, where it is installed."""
        there = self.folder is not None and self.folder.is_dir()
        return [*([str(self.folder)] if there else []), *self.mirrors]


KNOWN = {
    NAME: Known(
        "MNIST",
        {
            TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
    ),
    # Xiao, Rasul & Vollgraf 2017. The packed files of these have the MD5 that its README publishes.
    "fashion_mnist": Known(
        "Fashion-MNIST",
        {
            TRAIN_IMAGES: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            TRAIN_LABELS: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            TEST_IMAGES: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        # Debian's dataset-fashion-mnist.
        Path("/usr/share/datasets/fashion-mnist"),
    ),
}

TRAINING_IMAGES = 60_000

# A little above the largest of the four, 47,040,016 bytes.
LARGEST_FILE = 48 * 2**20


def local_path(text: str) -> Path:
    """The path a config names; a leading `~/` is the home folder."""
    return Path(text).expanduser() if text.startswith("~/") else Path(text)


def check_own(path: Path) -> None:
    """Raise UserError when there are no own data at `path`: no file, or a folder without IDX."""
    if not (path.is_file() or path.is_dir()):
        if path.exists():
            raise UserError(
                f"dataset.path: {path} is a device, pipe or socket, not a file or folder."
            )
        raise UserError(f"dataset.path: there is no file or folder {path}.")
    if path.is_dir() and (missing := missing_idx(path)):
        raise UserError(
            f"dataset.path: {path} {missing}; pictures in other formats go into an .npz with "
            "x_train, y_train, x_test and y_test."
        )


def missing_idx(folder: Path) -> str:
    """What a folder lacks of the four files, and what it holds instead; empty: nothing."""
    there = sorted(path.name for path in folder.iterdir())
    missing = [name for name in FILES if name not in there and f"{name}.gz" not in there]
    if not missing:
        return ""
    shown = ", ".join(there[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
    return f"lacks {', '.join(missing)} (plain or .gz); it holds {shown or 'nothing'}"


# MNIST: 10,000 of 60,000, as in the published study.
DEFAULT_SHARE = 1 / 6


def validation_size(training: int, validation: float | None) -> int:
    """How many of `training` images validate: a count, a share below 1, or None for a sixth.

    Raises UserError unless at least one image is left on either side.
    """
    wanted = DEFAULT_SHARE if validation is None else validation
    size = round(training * wanted) if 0 < wanted < 1 else int(wanted)
    if (size != wanted and wanted >= 1) or not 0 < size < training:
        raise UserError(
            f"dataset.validation: {validation} cannot be split off {training:,} training images; "
            f"give a count from 1 to {training - 1:,} or a share between 0 and 1."
        )
    return size


def content_of(path: Path) -> str:
    """A digest that changes with the data at `path`; empty where there are none to read.

    Of an npz: name, size and CRC-32 of each array as its directory lists them, so that neither
    a new date nor compression counts and gigabytes need not be read. Of a folder: its IDX files.
    """
    try:
        parts = _idx_files(path) if path.is_dir() else _members(path)
    # zipfile has its own error for a kind of archive that it does not know.
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return ""
    listed = "\n".join(parts).encode(errors="replace")
    return hashlib.sha256(listed).hexdigest() if listed else ""


def label_count(path: Path) -> int:
    """How many training images are labelled at `path`, without reading them; 0: cannot be told."""
    try:
        if path.is_dir():
            packed, plain = path / f"{TRAIN_LABELS}.gz", path / TRAIN_LABELS
            with gzip.open(packed) if packed.exists() else plain.open("rb") as file:
                # The length of the one axis, after four bytes of type and number of axes.
                return int.from_bytes(file.read(8)[4:], "big")
        with zipfile.ZipFile(path) as archive, archive.open("y_train.npy") as file:
            return _count_in_npy(file)
    except Exception:  # zipfile, gzip and ast have their own for damage, which the download names
        return 0


def _count_in_npy(file: IO[bytes]) -> int:
    """The first axis, from the header: magic, version, length, a literal of Python."""
    size = 2 if file.read(8)[6] == 1 else 4
    length = int.from_bytes(file.read(size), "little")
    return int(ast.literal_eval(file.read(min(length, 10_000)).decode())["shape"][0])


def _members(path: Path) -> list[str]:
    # Opening a pipe would wait for its writer.
    if not path.is_file():
        return []
    with zipfile.ZipFile(path) as archive:
        return sorted(f"{file.filename} {file.file_size} {file.CRC}" for file in archive.infolist())


def _idx_files(folder: Path) -> list[str]:
    files = []
    for path in (path for name in FILES for path in (folder / f"{name}.gz", folder / name)):
        if path.is_file():
            with path.open("rb") as file:
                files.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
    return files
