"""What a process needs before it trains: its place on the machine, a GPU, TensorFlow's switches."""

from collections.abc import Iterator
from contextlib import contextmanager

from batchmark.contract.requests.message import Device
from batchmark.measuring import gpu, nvidia
from batchmark.measuring.exclusive import shared
from batchmark.training import switches
from batchmark.training.device import require


@contextmanager
def beside_others(name: str, device: Device, deterministic: bool) -> Iterator[None]:
    """A process of one thread among others, on the CPU or on a GPU of its own.

    Raises UserError when there is no such device. TensorFlow must not be imported before.
    """
    with shared(name), own_gpu(name, device):
        switches.apply(device, threads=1, deterministic=deterministic)
        require(device)
        yield


@contextmanager
def own_gpu(name: str, device: Device) -> Iterator[None]:
    """Where the device is a GPU, have one that no other process uses; `name` says who waits."""
    if device == "cpu":
        yield
        return
    with gpu.claimed(name, gpu.visible(nvidia.devices())):
        yield
