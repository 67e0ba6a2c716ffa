"""The engine against `keras.Model.fit`, and its other promises."""

import traceback
from itertools import cycle
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from batchmark.contract.errors import UserError
from batchmark.contract.hyperparameters import MODELS, NORMALIZATIONS
from batchmark.plan.grid import KERAS_OPTIMIZERS
from batchmark.training.data import to_device
from batchmark.training.kernels.session import KernelSession
from batchmark.training.model import AveragePooling
from batchmark.training.session import Session
from tests.training.tiny import MODEL, dataset, hyperparameters

OWN, OWN_OPTIMIZERS = "tests.training.own_models", "tests.training.own_optimizers"
STEPS = 200
# Keras takes a number; its hint says text.
SILENT: Any = 0
OPTIMIZERS: list[dict[str, Any]] = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.9},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    {"optimizer": "rmsprop", "learning_rate": 0.001},
    {"optimizer": "adam", "learning_rate": 0.001},
    {"optimizer": "adagrad"},
    {"optimizer": "adadelta"},
    {"optimizer": "rprop", "learning_rate": 0.001, "batch_size": "full"},
]
LAYERS = ["none", *(name for name, row in NORMALIZATIONS.items() if row.layer)]
PENALTIES = {"weight_decay": 0.01, "l1": 0.001, "l2": 0.01}


def variants() -> list[dict[str, Any]]:
    """The plain one, and each optimizer with all penalties and, in turn, one normalization.

    What acts together must all be right for the weights to be.
    """
    penalized = [
        optimizer | PENALTIES | {"normalization": normalization}
        for optimizer, normalization in zip(OPTIMIZERS, cycle(LAYERS))
    ]
    return [{}, *penalized]


def fit(session: Session, steps: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights and moving statistics of `Model.fit` from the same start on the same batches."""
    order = session.batches.order(0, steps).ravel()
    images = session.data.train.images.numpy()[order].astype(np.float32)
    images = (images - np.float32(session.pixels.mean)) * np.float32(1 / session.pixels.divisor)
    model = keras.models.clone_model(session.model, clone_function=with_keras_layers)
    model.set_weights(session.model.get_weights())
    optimizer = type(session.optimizer).from_config(session.optimizer.get_config())
    if optimizer.weight_decay:
        exempt = [v for v in model.trainable_variables if not v.path.endswith("kernel")]
        optimizer.exclude_from_weight_decay(var_list=exempt)
    # Or Keras would trace its step a second time, now that the first has made the variables.
    optimizer.build(model.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    labels = session.data.train.labels.numpy()[order]
    model.fit(
        images,
        labels,
        batch_size=session.batches.batch_size,
        shuffle=False,
        verbose=SILENT,
    )
    return (
        [variable.numpy() for variable in model.trainable_variables],
        [variable.numpy() for variable in model.non_trainable_variables],
    )


def with_keras_layers(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A copy of a layer, Keras's own pooling in the place of ours."""
    own = isinstance(layer, AveragePooling)
    kind = keras.layers.AveragePooling2D if own else type(layer)
    return kind.from_config(layer.get_config())


def relative_difference(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """Of all weights as one vector: some (a bias before BatchNorm) are zero but for rounding."""
    differences = [np.linalg.norm(a - b) for a, b in zip(ours, theirs, strict=True)]
    return float(np.linalg.norm(differences) / np.linalg.norm([np.linalg.norm(b) for b in theirs]))


def assert_equal_to_fit(session: Session, steps: int = STEPS) -> None:
    weights, statistics = fit(session, steps)
    session.train(steps)
    trained = [variable.numpy() for variable in session.model.trainable_variables]
    assert relative_difference(trained, weights) <= 1e-5
    for ours, theirs in zip(session.model.non_trainable_variables, statistics, strict=True):
        assert relative_difference([ours.numpy()], [theirs]) <= 1e-5


@pytest.mark.parametrize(
    "variant",
    [
        {"optimizer": "adam", "dropout": 0.5, "normalization": "batch"},
        {"optimizer": "rprop", "batch_size": "full"},
        {"optimizer_arguments": {"use_ema": True}},
        {"model": f"{OWN}:in_half_precision"},
    ],
    ids=str,
)
def test_a_restarted_session_trains_as_one_opened_with_that_seed(variant: dict[str, Any]) -> None:
    chosen, data = hyperparameters(**variant), to_device(dataset())
    used, fresh = (Session.open(chosen, data, seed=seed) for seed in (1, 2))
    used.train(7)
    used.restart(2)
    assert used.train(9).losses.tolist() == fresh.train(9).losses.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(used.state(), fresh.state(), strict=True))
    assert used._loop.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_ours_draws_from_its_own_seeds_alone(model: str) -> None:
    chosen, data = hyperparameters(model=model, dropout=0.5), to_device(dataset(side=16))
    used, fresh = (Session.open(chosen, data, seed=seed) for seed in (1, 2))
    keras.utils.set_random_seed(3)
    used.restart(2)
    assert all(np.array_equal(a, b) for a, b in zip(used.state(), fresh.state(), strict=True))


@pytest.mark.parametrize(("model", "cleared"), [("mlp", 0), (MODEL, 1)])
def test_a_restart_keeps_the_graphs_that_are_optimized_unless_code_is_somebodys(
    model: str, cleared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session.open(hyperparameters(model=model), to_device(dataset()), seed=1)
    calls: list[object] = []
    # What Keras does to start anew; TensorFlow forgets its kernels with it.
    monkeypatch.setattr(tf.compat.v1, "reset_default_graph", lambda: calls.append(None))
    session.restart(2)
    assert len(calls) == cleared


@pytest.mark.parametrize("name", KERAS_OPTIMIZERS)
def test_a_restart_leaves_nothing_of_what_an_optimizer_remembers(name: str) -> None:
    """Nor of its rate, where it is given another."""
    chosen, data = hyperparameters(optimizer=name, learning_rate=0.01), to_device(dataset())
    used = Session.open(chosen, data, seed=1)
    fresh = Session.open(chosen, data, seed=2, learning_rate=0.003)
    used.train(7)
    used.restart(2, 0.003)
    assert used.learning_rate == fresh.learning_rate == 0.003
    assert used.train(3).losses.tolist() == fresh.train(3).losses.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(used.state(), fresh.state(), strict=True))


@pytest.mark.parametrize("variant", variants(), ids=str)
def test_engine_ends_with_the_weights_of_model_fit(variant: dict[str, Any]) -> None:
    data = to_device(dataset(32))
    assert_equal_to_fit(Session.open(hyperparameters(**variant), data, seed=3))


@pytest.mark.parametrize(
    "variant",
    [
        {"optimizer_arguments": {"loss_scale_factor": 1024.0}},
        {"optimizer_arguments": {"gradient_accumulation_steps": 3}},
        {"optimizer": "adam", "optimizer_arguments": {"loss_scale_factor": 64.0, "clipnorm": 0.1}},
        {"model": f"{OWN}:with_penalized_activities"},
        {"model": f"{OWN}:with_embedding", "optimizer": "adam", "learning_rate": 0.001},
        {"model": f"{OWN}:in_half_precision", "learning_rate": 0.01},
    ],
    ids=str,
)
def test_what_optimizers_and_own_models_ask_for_is_done_as_in_model_fit(
    variant: dict[str, Any],
) -> None:
    assert_equal_to_fit(Session.open(hyperparameters(**variant), to_device(dataset(32)), seed=3))


def test_means_of_the_weights_serve_where_model_fit_would_leave_them() -> None:
    arguments = {"use_ema": True, "ema_momentum": 0.9}
    chosen = hyperparameters(learning_rate=0.5, optimizer_arguments=arguments)
    session = Session.open(chosen, to_device(dataset(32)), seed=3)
    means, _ = fit(session, 20)
    session.train(20)
    before, score = session.state(), session.evaluate("validation")
    assert all(np.array_equal(a, b) for a, b in zip(session.state(), before, strict=True))
    with session.final_weights():
        held = [variable.numpy() for variable in session.model.trainable_variables]
    assert relative_difference(held, means) <= 1e-5
    assert relative_difference(session.model.get_weights(), means) > 0.01
    for variable, mean in zip(session.model.trainable_variables, means, strict=True):
        variable.assign(mean)
    images = session.data.validation.images.numpy().astype(np.float32) / 255
    logits = session.model.predict(images, verbose=SILENT)
    right = np.argmax(logits, axis=1) == session.data.validation.labels.numpy()
    assert score.accuracy == pytest.approx(np.mean(right))


def test_a_schedules_rate_is_the_one_it_begins_with() -> None:
    chosen = hyperparameters(optimizer=f"{OWN_OPTIMIZERS}:Fading", learning_rate=0.5)
    session = Session.open(chosen, to_device(dataset()), seed=3)
    session.train(3)
    assert session.learning_rate == 0.5


@pytest.mark.parametrize(("rate", "used"), [("default", 0.03), (0.2, 0.2)])
def test_the_default_rate_of_an_own_optimizer_is_its_own(rate: Any, used: float) -> None:
    chosen = hyperparameters(optimizer=f"{OWN_OPTIMIZERS}:Steady", learning_rate=rate)
    assert Session.open(chosen, to_device(dataset()), seed=3).learning_rate == used


def test_what_cannot_be_trained_is_a_sentence_before_it_is() -> None:
    chosen = hyperparameters(model=f"{OWN}:untrainable")
    session = Session.open(chosen, to_device(dataset()), seed=3)
    with pytest.raises(UserError, match=r"cannot be trained: TypeError: not made for this\.$"):
        session.trace()


def test_float16_logits_work() -> None:
    session = Session.open(hyperparameters(model=f"{OWN}:in_float16"), to_device(dataset()), seed=3)
    losses = session.train(5).losses
    assert losses.dtype == np.float32
    assert np.isfinite(losses).all()
    assert np.isfinite(session.evaluate("test").loss)
    session.gradients(np.arange(8))


@pytest.mark.parametrize(
    ("kind", "batch_size", "pooling"),
    [
        *((Session, 1, "max"), (Session, 32, "max"), (Session, 32, "average")),
        *((KernelSession, 1, "average"), (KernelSession, 32, "average")),
    ],
)
def test_lenet5_ends_with_the_weights_of_model_fit(
    kind: type[Session], batch_size: int, pooling: str
) -> None:
    chosen = hyperparameters(
        model="lenet5", batch_size=batch_size, pooling=pooling, learning_rate=0.02
    )
    assert_equal_to_fit(kind.open(chosen, to_device(dataset(96, side=28)), seed=3))


@pytest.mark.parametrize("model", ["sda", "dbn", "lstm", "gru", "mut1", "mut2", "mut3"])
def test_the_articles_other_models_end_with_the_weights_of_model_fit(model: str) -> None:
    """Pretraining, which ends half way, included."""
    steps, batch_size = 20, 8
    pretraining = {"images": steps * batch_size // 2, "hidden": [12, 5]}
    chosen = hyperparameters(
        model=model,
        batch_size=batch_size,
        l2=0.001,
        dropout=0.2,
        model_arguments=pretraining if model in ("sda", "dbn") else {},
    )
    assert_equal_to_fit(Session.open(chosen, to_device(dataset(32)), seed=3), steps)


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_dropout_keeps_its_own_random_state(compiled: bool) -> None:
    """Two calls of ten steps do what one call of twenty does.

    On either path; XLA draws other units than the graph from the same seeds.
    """
    chosen, data = hyperparameters(dropout=0.5, momentum=0.9), to_device(dataset())
    once, twice = (Session.open(chosen, data, seed=3, compiled=compiled) for _ in range(2))
    losses = once.train(20).losses
    assert losses.tolist() == [*twice.train(10).losses, *twice.train(10).losses]


@pytest.mark.parametrize(
    "variant",
    [
        {"optimizer": "adam", "learning_rate": 0.001, "pooling": "max", "l2": 0.01},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "normalization": "batch"},
        {"optimizer": "rprop", "learning_rate": 0.001, "batch_size": "full"},
    ],
    ids=str,
)
def test_the_path_of_a_gpu_gives_the_same_weights(variant: dict[str, Any]) -> None:
    """XLA on the CPU, so that the path cannot rot where there is no GPU."""
    chosen, data = hyperparameters(**variant), to_device(dataset())
    graph, xla = (Session.open(chosen, data, 3, compiled=compiled) for compiled in (False, True))
    losses, xla_losses = graph.train(30).losses, xla.train(30).losses
    assert np.allclose(losses, xla_losses, rtol=1e-3)
    assert relative_difference(xla.model.get_weights(), graph.model.get_weights()) <= 1e-4
    assert xla.evaluate("test").accuracy == graph.evaluate("test").accuracy


@pytest.mark.parametrize("optimizer", [{"optimizer": "Lamb"}, {"optimizer": "Muon"}], ids=str)
def test_optimizers_that_look_at_whole_layers_work(optimizer: dict[str, Any]) -> None:
    session = Session.open(hyperparameters(**optimizer), to_device(dataset()), seed=3)
    assert np.isfinite(session.train(3).losses).all()


def test_clipping_by_norm_is_per_variable() -> None:
    chosen = hyperparameters(optimizer_arguments={"clipnorm": 0.001}, learning_rate=1.0)
    session = Session.open(chosen, to_device(dataset()), seed=3)
    before = session.model.get_weights()
    session.train(1)
    moved = [
        np.linalg.norm(b - a) for a, b in zip(before, session.model.get_weights(), strict=True)
    ]
    assert np.allclose(moved, 0.001, rtol=0.01)


def test_gradients_leave_the_session_as_it_was() -> None:
    chosen = hyperparameters(normalization="batch", dropout=0.5)
    session = Session.open(chosen, to_device(dataset()), seed=3)
    before = session.state()
    session.gradients(np.arange(16))
    for ours, reference in zip(session.state(), before, strict=True):
        assert np.array_equal(ours, reference)


@pytest.mark.parametrize(
    "model",
    ["tests.training.tiny:build", f"{OWN}:with_penalized_activities", f"{OWN}:with_embedding"],
)
def test_a_step_of_plain_sgd_goes_along_the_gradient(model: str) -> None:
    chosen = hyperparameters(model=model, learning_rate=0.5)
    session = Session.open(chosen, to_device(dataset()), seed=3)
    before = session.model.get_weights()
    gradients = session.gradients(session.batches.order(0, 1)[0])
    session.train(1)
    for old, gradient, new in zip(before, gradients, session.model.get_weights(), strict=True):
        assert np.allclose(new, old - 0.5 * gradient, atol=1e-6)


def test_one_step_has_a_graph_to_count_its_operations() -> None:
    session = Session.open(hyperparameters(), to_device(dataset()), seed=3)
    step: Any = session.step_function()
    operations = {operation.type for operation in step.graph.get_operations()}
    assert {"Conv2D", "Conv2DBackpropFilter", "MatMul"} <= operations


def test_a_state_of_another_session_is_refused_before_anything_changes() -> None:
    data = to_device(dataset())
    session = Session.open(hyperparameters(), data, seed=3)
    other = Session.open(hyperparameters(model_arguments={"units": 7}), data, seed=3)
    before = session.state()
    with pytest.raises(ValueError, match="other shapes"):
        session.restore(other.state(), 5)
    assert all(np.array_equal(a, b) for a, b in zip(session.state(), before, strict=True))


def test_no_code_is_rewritten_to_be_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    files: set[str] = set()

    def loss(self: Session, indices: Any) -> Any:
        files.update(frame.filename for frame in traceback.extract_stack())
        return training_loss(self, indices)

    training_loss = Session._training_loss
    monkeypatch.setattr(Session, "_training_loss", loss)
    Session.open(hyperparameters(), to_device(dataset()), seed=0).trace()
    assert files
    assert not [name for name in files if "autograph" in name]
