"""What all figures are drawn with."""

import os
from contextlib import chdir
from pathlib import Path

# On import it reads a matplotlibrc of the working folder or of the home, which no figure depends on
# and which ends in a traceback where it is damaged.
os.environ["MATPLOTLIBRC"] = os.devnull
with chdir(Path(__file__).parent):
    import matplotlib as mpl  # noqa: F401
