"""The batch size to train with, for notebooks and scripts: `make quick` on arrays."""

import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import default_rate
from batchmark.contract.record import read_result
from batchmark.contract.run import RunResult
from batchmark.dataset.own import Array, as_images, as_labels, check_pair, pixel_factor
from batchmark.plan.plan import Plan, open_plan
from batchmark.plan.reading import read_yaml
from batchmark.stages.forkserver import ForkServer
from batchmark.statistics.cost_model import relative_cost

HOME = Path(__file__).resolve().parents[2]
CONFIGURATIONS = ("config.yaml", "quick.yaml")
TEMPLATES = HOME / "workflow" / "report"
NAMES = ("x_train", "y_train", "x_validation", "y_validation")
STUDY, DATA, MODEL = "quick", "yours", "batchmark.training.described:build"
# Batches of up to a tenth of the data tell the noise of gradients, and the larger ones have 64.
FEWEST_IMAGES = 640
# More tell hardly more of gradients and steps, and take longer.
MOST_IMAGES = 50_000
# How often the race looks at its losses in an epoch.
LOOKS = 10


@dataclass(frozen=True)
class Price:
    """`price[B]`: predicted time to a target at batch size B, over the least possible; 1 at best.

    `critical`: images at which a target takes twice the least epochs; `overhead`: what a step costs
    beside its images, counted in images.
    """

    critical: float
    overhead: float

    def __getitem__(self, batch_size: int) -> float:
        if not isinstance(batch_size, Real) or not 1 <= batch_size < inf:
            raise KeyError(f"{batch_size!r} is no batch size: a number from 1.")
        critical, overhead = np.asarray(self.critical), np.asarray(self.overhead)
        return float(relative_cost(batch_size, critical, overhead))


@dataclass(frozen=True)
class Advice:
    """What to train with in `model.fit`: predicted, not measured.

    `batch_size`: images a step; `interval`: where the fastest one lies at 95 %, in images;
    `learning_rate` to start from at that size; `steps_per_execution`: steps, for `compile`;
    `price`: see `Price`; `warnings`: sentences on what may be wrong with data or model; `facts`:
    all behind it, as `quick.json` has it, times in seconds.
    """

    batch_size: int
    interval: tuple[float, float]
    learning_rate: float
    steps_per_execution: int
    price: Price
    warnings: tuple[str, ...]
    facts: dict[str, Any]


@contextmanager
def _value_errors() -> Iterator[None]:
    """Callers know nothing of the exception that the command line shows."""
    try:
        yield
    except UserError as error:
        raise ValueError(str(error)) from error


@_value_errors()
def recommend(  # noqa: PLR0913, PLR0917 - two pairs of arrays, as Keras takes them
    build_model: Callable[..., Any],
    x_train: ArrayLike,
    y_train: ArrayLike,
    x_validation: ArrayLike,
    y_validation: ArrayLike,
    optimizer: str = "sgd",
    folder: str | os.PathLike[str] | None = None,
) -> Advice:
    """Predict the best batch size for a model and data; takes one to two minutes.

    `build_model()` or `build_model(image_shape, classes)` returns a Keras model of Keras's layers
    (with layers of your own: `make quick`), ending in one logit a class. Images: [n, height, width]
    or [n, height, width, channels], numbers from 0 to 255 or floats from 0 to 1; the model is given
    0 to 1. Labels: whole numbers from 0, [n]. `optimizer`: `sgd`, `adam`, or a Keras class's name.
    Everything runs in processes of its own; with a `folder` the page and `quick.json` are kept
    there, else nothing is written. Raises ValueError, one sentence.
    """
    arrays = checked(x_train, y_train, x_validation, y_validation)
    if folder is not None:
        _make_folder(folder)
    model = _configuration(build_model, arrays)
    with tempfile.TemporaryDirectory(prefix="batchmark-") as scratch:
        place = Path(scratch)
        np.savez(place / "data.npz", allow_pickle=False, **arrays)
        plan = _plan(place, model, optimizer, len(arrays["y_train"]))
        _run_all(plan, place)
        run = read_result(place / "run-0.json", RunResult)
        facts = json.loads((place / "reports" / "quick.json").read_text(encoding="utf-8"))
        if folder is not None:
            shutil.copytree(place / "reports", folder, dirs_exist_ok=True)
    return advised(facts, [warning.text for warning in (*run.dataset.notes, *run.warnings)])


def _make_folder(folder: str | os.PathLike[str]) -> None:
    """Raise UserError where the page could not be written, before anything is run for it."""
    try:
        if Path(folder).is_file():
            raise UserError(f"{folder} is a file, and the page needs a folder.")
        # Unlike a Path, this knows an empty name from the working directory.
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, TypeError, ValueError) as error:
        raise UserError(f"folder = {folder!r} cannot be written to ({error}).") from error


def checked(*given: ArrayLike) -> dict[str, Array]:
    """The arrays in the names of an npz of own data; validation images serve as test images."""
    x_train, y_train, x_held, y_held = (
        _array(each, name) for each, name in zip(given, NAMES, strict=True)
    )
    factor = pixel_factor({"x_train": x_train, "x_validation": x_held}, "the data")
    arrays = {}
    for part, images, labels in (("train", x_train, y_train), ("validation", x_held, y_held)):
        arrays[f"x_{part}"] = as_images(images, f"x_{part}", factor)
        arrays[f"y_{part}"] = as_labels(labels, f"y_{part}")
        check_pair(arrays[f"x_{part}"], arrays[f"y_{part}"], f"x_{part}")
    one, held = (arrays[f"x_{part}"].shape[1:] for part in ("train", "validation"))
    if one != held:
        raise UserError(f"x_validation has images of shape {held}, but x_train of {one}.")
    if len(y_train) < FEWEST_IMAGES:
        raise UserError(
            f"x_train has {len(y_train)} images; a prediction needs at least {FEWEST_IMAGES}."
        )
    # At random: images may be sorted by class.
    kept = np.random.default_rng(0).permutation(len(arrays["y_train"]))[:MOST_IMAGES]
    named = {key: arrays[key][kept] for key in ("x_train", "y_train")}
    names = {"x_val": "x_validation", "y_val": "y_validation"}
    names |= {"x_test": "x_validation", "y_test": "y_validation"}
    return named | {new: arrays[old] for new, old in names.items()}


def _array(given: ArrayLike, name: str) -> Array:
    if isinstance(given, np.ma.MaskedArray):
        raise UserError(f"{name} is a masked array; leave out or fill what is masked.")
    try:
        return np.asarray(given)
    except ValueError as error:
        raise UserError(f"{name} is no array: its rows differ in length.") from error


def _configuration(build_model: Callable[..., Any], arrays: Mapping[str, Array]) -> str:
    """The model as JSON."""
    shape, classes = arrays["x_train"].shape[1:], int(arrays["y_train"].max()) + 1
    with _unbuildable():
        given = (shape, classes) if _takes_arguments(build_model) else ()
        model = build_model(*given)
        content = str(model.to_json())
    _check_shapes(model, shape, classes)
    with _unbuildable():
        rebuilt = _rebuilt(content)
    # Without declared shapes its weights come with the first images.
    if rebuilt.built and not rebuilt.trainable_weights:
        raise UserError("build_model gives a model without trainable weights; give it some.")
    return content


@contextmanager
def _unbuildable() -> Iterator[None]:
    """Whatever goes wrong in a user's code and in Keras's reading of it is one sentence."""
    try:
        yield
    except Exception as error:
        # Keras's own sentences run over lines.
        told = " ".join(str(error).split()).rstrip(".")
        raise UserError(
            f"build_model gives no model that another process can build ({type(error).__name__}: "
            f"{told}); return a keras.Sequential or functional model of Keras's layers."
        ) from error


def _rebuilt(content: str) -> Any:
    """The model as another process builds it; raises what that would."""
    import keras  # noqa: PLC0415 - what build_model has imported already

    def named(node: dict[str, Any]) -> dict[str, Any]:
        # Keras finds no other classes in another process, registered or not, wherever they are.
        if node.get("registered_name") and not str(node.get("module")).startswith("keras."):
            raise TypeError(f"{node['class_name']} is no class of Keras")
        return node

    json.loads(content, object_hook=named)
    return keras.models.model_from_json(content)


def _check_shapes(model: Any, shape: tuple[int, ...], classes: int) -> None:
    """Raise UserError where a model says that it takes other images or tells other classes."""
    takes, gives = (getattr(model, f"{end}_shape", None) for end in ("input", "output"))
    flat = [shape[:2]] if shape[2] == 1 else []
    if any(_agree(takes, each) for each in (shape, *flat)) and _agree(gives, (classes,)):
        return
    raise UserError(
        f"build_model gives a model from {takes} to {gives}; these data need one from "
        f"{(None, *shape)} to a logit for each of {classes} classes, {(None, classes)}."
    )


def _agree(declared: Any, wanted: tuple[int, ...]) -> bool:
    """None, for all or for one axis, declares nothing."""
    if declared is None:
        return True
    return len(declared) == len(wanted) + 1 and all(
        size in {None, want} for size, want in zip(declared[1:], wanted, strict=True)
    )


def _takes_arguments(build_model: Callable[..., Any]) -> bool:
    parameters = inspect.signature(build_model).parameters.values()
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(each.default is each.empty and each.kind in named for each in parameters)


def rates(optimizer: str) -> tuple[float, float, float]:
    """The rate of the probe, the lowest and the highest of the scan: around Keras's default.

    Raises UserError for what is no name.
    """
    if not isinstance(optimizer, str):
        kind = type(optimizer).__name__
        raise UserError(f"optimizer is the name of one, such as 'sgd' or 'adam'; found {kind}.")
    usual = 0.1 if optimizer == "sgd" else default_rate(optimizer) or 0.001
    return (usual, usual / 10, usual * 4) if optimizer == "sgd" else (usual, usual / 4, usual * 16)


def _plan(place: Path, model: str, optimizer: str, images: int) -> Plan:
    files = [HOME / "config" / name for name in CONFIGURATIONS]
    if not all(file.is_file() for file in files):
        raise UserError(f"{files[0].parent} is missing; use batchmark from a whole clone of it.")
    merged: dict[str, Any] = {}
    for layer in (*map(read_yaml, files), _own(place, model, optimizer, images)):
        merged = laid_over(merged, layer)
    return open_plan(merged, [], [HOME / "config" / "studies"], place / "requests")


def _own(place: Path, model: str, optimizer: str, images: int) -> dict[str, Any]:
    """The configuration of these data, model and optimizer."""
    usual, low, high = rates(optimizer)
    probed = {"learning_rate": usual, "batch_size": 64}
    return {
        "devices": ["cpu"],
        "dataset": {"name": DATA, "path": str(place / "data.npz")},
        "targets": {DATA: [0.9]},
        "tuning": {"low": low, "high": high},
        "studies": {
            STUDY: {
                "settings": {
                    **{"model": MODEL, "model_arguments": {"configuration": model}},
                    "optimizer": optimizer,
                },
                "grids": [
                    {"learning_rate": usual, "batch_size": [1, 16, 64, 256]},
                    {"learning_rate": "tuned", "batch_size": [16, 64, 256]},
                ],
                "evaluate_every": max(1, images // LOOKS),
                **{"baseline": probed, "probe": [probed]},
            }
        },
    }


def laid_over(content: Any, layer: Any) -> Any:
    """`content` with what `layer` says in its place, mappings key by key."""
    if not isinstance(content, Mapping) or not isinstance(layer, Mapping):
        return layer
    common = {key: laid_over(content[key], layer[key]) for key in layer if key in content}
    return {**content, **layer, **common}


def _run_all(plan: Plan, place: Path) -> None:
    """The jobs of the rule `quick`: the clock has the machine for itself."""
    path = os.pathsep.join([str(HOME / "src"), *(entry or str(Path.cwd()) for entry in sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    server = ForkServer(place / "forkserver", environment)
    server.start()
    try:
        for commands in _jobs(plan):
            _run(place, commands, environment)
    finally:
        server.stop()


def _jobs(plan: Plan) -> Iterator[list[list[str]]]:
    """Commands for `python -m`, those beside each other together, in their order."""
    device, quick = plan.devices[0], plan.quick
    data = ["--dataset", "arrays.npz", "--facts", "arrays.json"]
    download = ["--request", plan.download_request(DATA), "--npz", data[1], "--json", data[3]]
    yield [["batchmark.stages.download", *download]]
    timing = ["--request", plan.time_request(quick.study, device), *data, "--output", "timing.json"]
    yield [["batchmark.stages.time", *timing]]
    request = plan.probe_request(quick.probed[0], device)
    probe = ["batchmark.stages", "probe", "--request", request, *data, "--output", "gradients.json"]
    runs = {f"run-{number}": variant for number, variant in enumerate(quick.tuned)}
    trainings = [
        [
            *("batchmark.stages", "train", "--request", plan.train_request(variant, device), *data),
            *("--output", f"{name}.json", "--checkpoint", f"scratch/{name}"),
        ]
        for name, variant in runs.items()
    ]
    yield [probe, *trainings]
    given = ["--timing", "timing.json", "--gradients", "gradients.json"]
    raced = [word for name in runs for word in ("--run", f"{name}.json")]
    made = ["--templates", str(TEMPLATES), "--reports", "reports"]
    yield [["batchmark.stages", "quick", *given, *raced, *made, "--variants", *quick.variants]]


def _run(place: Path, commands: list[list[str]], environment: Mapping[str, str]) -> None:
    """Run stages beside each other; the sentence of one that fails is raised."""
    jobs = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=place,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    try:
        for job in jobs:
            said = job.communicate()[1].strip().splitlines()
            if job.returncode:
                last = said.pop() if said else f"a stage ended with {job.returncode}"
                error = UserError(last.removeprefix("batchmark: "))
                # What the user's own code said, which the sentence refers to.
                error.add_note("\n".join(said))
                raise error
    finally:
        for job in jobs:
            job.kill()
            job.wait()


def advised(facts: dict[str, Any], warnings: Iterable[str] = ()) -> Advice:
    """What `quick.json` says of `fit`, or of the one loop that could be predicted."""
    loops = {loop["loop"]: loop for loop in facts["loops"]}
    loop = loops.get("fit") or next(iter(loops.values()))
    high = loop["predicted_batch_size_high"]
    return Advice(
        batch_size=loop["batch_size"],
        # JSON has no infinity.
        interval=(loop["predicted_batch_size_low"], inf if high is None else high),
        learning_rate=loop["learning_rate"],
        steps_per_execution=loop["steps_per_execution"],
        price=Price(loop["b_crit"], loop["o"] / loop["c"]),
        warnings=tuple(warnings),
        facts=facts,
    )
