"""One thin module a rule: parse, read, call, write."""

import os

# For matplotlib, whose import fails where a notebook's backend is not installed: our figures' and
# that of a user's own model.
os.environ["MPLBACKEND"] = "svg"
os.environ.pop("MATPLOTLIBRC", None)
