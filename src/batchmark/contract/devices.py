"""The kinds of device that results are made on: one row each, which everything else asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Device = Literal["cpu", "gpu"]
DEVICES: tuple[Device, ...] = get_args(Device)


@dataclass(frozen=True)
class Cards:
    """Devices of which a process has one for itself.

    `module` of `batchmark.machine` tells which there are and what they do; `variable` of the
    environment narrows a process to some; `package` is the TensorFlow that can use them.
    """

    module: str
    variable: str
    package: str
    remedy: str = field(repr=False)


@dataclass(frozen=True)
class Kind:
    """What sets a kind of device apart. What `repr` shows counts for results.

    `name`: for readers. `tensorflow`: its type there. `compiled`: XLA compiles whole loops of
    training, otherwise the graph's operations run one by one. `switches`: of the environment, set
    before TensorFlow is imported. `sizes` of matrices and `products` in a row show its peak.
    `cards`: None where processes share the processor, whose threads are then a setting.
    """

    name: str = field(repr=False)
    tensorflow: str
    compiled: bool
    switches: Mapping[str, str]
    sizes: tuple[int, ...]
    products: int
    cards: Cards | None = None


KINDS: Mapping[Device, Kind] = {
    "cpu": Kind(
        "CPU", tensorflow="CPU", compiled=False, switches={}, sizes=(512, 1024, 2048), products=1
    ),
    "gpu": Kind(
        "GPU",
        tensorflow="GPU",
        compiled=True,
        # Memory as it is needed, and float32 that stays float32.
        switches={"TF_FORCE_GPU_ALLOW_GROWTH": "true", "NVIDIA_TF32_OVERRIDE": "0"},
        # A GPU finishes a small product sooner than it can be told to start it.
        sizes=(2048, 4096, 8192),
        products=10,
        cards=Cards(
            "gpu",
            variable="CUDA_VISIBLE_DEVICES",
            package="tensorflow",
            remedy="the driver and requirements/gpu.txt (`make report GPU=1` installs it)",
        ),
    ),
}
