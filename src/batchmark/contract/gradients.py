"""`results/{machine}/{device}/gradients/{variant}.json`: gradient probes of one variant."""

from typing import Literal

from batchmark.contract.devices import Device
from batchmark.contract.record import Count, DatasetFacts, Details, Record, ResultFile, Slug
from batchmark.contract.requests.message import RecordedVariant

Moment = Literal["initial", "first_epoch", "final"]


class BatchProbe(Record):
    """Draws of mini-batch gradients g at one batch size against the full-data gradient G.

    `cosine`: <g, G> / |g||G| per draw. `squared_norm`: |g|^2 per draw. `successive_cosine`:
    cosine between consecutive draws (negative or near zero: zig-zag).
    """

    batch_size: Count
    cosine: list[float]
    squared_norm: list[float]
    successive_cosine: list[float]


class ProbePoint(Record):
    """All probes at one moment of training.

    `magnitude_quantiles`: quantile ("0.01" … "0.99") of |dL/dw| over single weights.
    `layer_norms`: L2 norm of the full gradient per layer, input to output.
    """

    moment: Moment
    epoch: float
    full_size: Count
    full_squared_norm: float
    layer_norms: dict[str, float]
    magnitude_quantiles: dict[str, float]
    batches: list[BatchProbe]


class ProbeTrial(Record):
    """The probes of one seed."""

    seed: Count
    points: list[ProbePoint]


class GradientResult(ResultFile):
    """A whole gradient file."""

    schema_version: Literal["batchmark.gradients/2"] = "batchmark.gradients/2"
    variant: RecordedVariant
    machine: Slug
    device: Device
    dataset: DatasetFacts
    environment: Details
    trials: list[ProbeTrial]
