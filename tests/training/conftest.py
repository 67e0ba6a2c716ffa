"""TensorFlow reads its switches at import: set them before the tests here import it."""

import sys

from batchmark.training import switches

if "tensorflow" not in sys.modules:
    switches.apply("cpu", threads=1)
