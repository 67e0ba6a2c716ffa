"""The environment switches that TensorFlow reads once, when it is imported.

Call `apply` before the first import of TensorFlow or Keras; nothing else sets these variables.
"""

import os
import re
import sys
from hashlib import sha256
from typing import Literal

Device = Literal["cpu", "gpu"]

NAMES = (
    "TF_ENABLE_ONEDNN_OPTS",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_DETERMINISTIC_OPS",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "KERAS_BACKEND",
    "CUDA_VISIBLE_DEVICES",
    "XLA_FLAGS",
    "TF_XLA_FLAGS",
)


_ORDINARY = re.compile(
    r"(--?(tf_)?xla_\w+=?)?(-?\d+(,\d+)*|true|false|STRICT|tensorflow|(AVX|SSE)[A-Z0-9_]*)?"
)


def apply(device: Device, threads: int, deterministic: bool = False) -> None:
    """Choose the execution path of this process: `threads` 0 means all cores.

    oneDNN is asked for by name because TensorFlow leaves it off on some processors, and float32
    stays float32 (no TF32, no bfloat16) so that machines compare. Keras reads no settings from a
    home folder. Raises RuntimeError when
    TensorFlow is imported already, because the switches would then be ignored.
    """
    if "tensorflow" in sys.modules:
        raise RuntimeError("switches.apply must run before TensorFlow is imported")
    os.environ.update(
        {
            "KERAS_BACKEND": "tensorflow",
            "KERAS_HOME": os.devnull,  # holds no keras.json, and none can be written there
            "TF_ENABLE_ONEDNN_OPTS": "1",
            "ONEDNN_DEFAULT_FPMATH_MODE": "STRICT",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "TF_NUM_INTEROP_THREADS": "1",
        }
    )
    if threads:
        os.environ["OMP_NUM_THREADS"] = os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    else:
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
        os.environ["TF_DETERMINISTIC_OPS"] = "1" if deterministic else "0"


def in_force() -> dict[str, str]:
    """The switches set in this process, for the records.

    Ordinary words as they are, others (a path, a card's own number) by a digest that still tells
    different ones apart.
    """
    return {name: _recorded(os.environ[name]) for name in NAMES if name in os.environ}


def _recorded(setting: str) -> str:
    return " ".join(
        word if _ORDINARY.fullmatch(word) else f"({sha256(word.encode()).hexdigest()[:8]})"
        for word in setting.split()
    )
