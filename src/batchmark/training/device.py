"""Whether TensorFlow has the device that a process was asked to use."""

from batchmark.errors import UserError
from batchmark.training.switches import Device


def require(device: Device) -> None:
    """Raise UserError when TensorFlow finds no GPU where one is asked for.

    It would quietly compute on the CPU, and results would be called a GPU's. Imports TensorFlow,
    so the switches must be set.
    """
    if device == "cpu":
        return
    import tensorflow as tf  # noqa: PLC0415

    if not tf.config.list_physical_devices("GPU"):
        raise UserError(
            "device = gpu: TensorFlow finds no GPU here; check the driver and that "
            "requirements/gpu.txt is installed (`make report GPU=1`), or set `devices: [cpu]`."
        )
