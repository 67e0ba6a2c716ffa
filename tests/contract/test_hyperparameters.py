"""One table of hyperparameters; every other list of them agrees with it."""

from typing import Annotated

import pytest
from pydantic import Field

from batchmark.claims import evidence
from batchmark.contract import hyperparameters
from batchmark.contract.hyperparameters import AXES, Axis, Hyperparameters, axes, variant_id
from batchmark.contract.requests.message import Variant


def test_every_hyperparameter_is_an_axis_with_the_default_it_began_with() -> None:
    """An id stands for its setting for ever: give a moved default a new `unsaid`, never these."""
    assert {name: axis.unsaid for name, axis in AXES.items()} == {
        **{"model": "lenet5", "model_arguments": {}, "activation": None, "pooling": None},
        **{"dropout": 0.0, "initializer": None, "initializer_scale": 1.0},
        **{"normalization": "none", "optimizer": "sgd", "optimizer_arguments": {}},
        **{"learning_rate": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
        **{"l1": 0.0, "l2": 0.0, "batch_size": 32, "train_size": "full"},
        **{"warm_up": 0.0, "change_every": 0.0, "rate_factor": 1.0, "batch_factor": 1},
        **{"accumulation": 1, "label_noise": 0.0, "ema_half_life": 0.0, "beta_2_half_life": 0.0},
    }
    assert list(AXES) == list(Hyperparameters.model_fields)


def test_all_else_equal_means_every_hyperparameter() -> None:
    assert set(evidence.AXES) - {"rate"} == set(Hyperparameters.model_fields) - {"learning_rate"}


def test_ids_stay() -> None:
    assert variant_id(Hyperparameters()) == "lenet5-sgd-bs32-44136fa3"
    assert Hyperparameters(momentum=0.9, batch_size=32).changed() == {"momentum": 0.9}


class _OneMore(Hyperparameters):
    """A table with one more hyperparameter, which is off by default."""

    label_smoothing: Annotated[float, Axis(0.0), Field(ge=0)] = 0.0


class _Moved(Hyperparameters):
    """A table whose default momentum has moved."""

    momentum: Annotated[float, Axis(0.0, stand_in=0.9)] = 0.5


def _asked(chosen: Hyperparameters) -> str:
    return Variant(id="v", hyperparameters=chosen).model_dump_json()


def test_a_new_hyperparameter_changes_no_request_and_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    before, id_ = _asked(Hyperparameters(l2=1e-4)), variant_id(Hyperparameters(l2=1e-4))
    monkeypatch.setattr(hyperparameters, "AXES", axes(_OneMore))
    assert _asked(_OneMore(l2=1e-4)) == before
    assert variant_id(_OneMore(l2=1e-4)) == id_
    assert "label_smoothing" in _asked(_OneMore(label_smoothing=0.1))


def test_a_moved_default_is_another_setting_and_is_spelled_out() -> None:
    assert variant_id(_Moved()) != variant_id(Hyperparameters())
    assert variant_id(_Moved()) == variant_id(Hyperparameters(momentum=0.5))
    assert '"momentum":0.5' in _asked(_Moved())
    assert '"momentum":0.0' in _asked(_Moved(momentum=0.0))
