"""Colours and markers: the same hue for the same thing in every figure.

The hues are Okabe and Ito's (2008), told apart by colour-blind readers; the page lightens or
darkens them for its theme by their value, so a figure must use exactly these.
"""

BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PINK = "#cc79a7"
ORANGE = "#e69f00"
SKY = "#56b4e9"
VIOLET = "#7b5ea7"
BROWN = "#8c6d31"

HUES = (BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, VIOLET, BROWN)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")

# Drawn in this colour, an artist takes the text colour of the page it stands on.
INK = "#111213"

FIXED = {
    "sgd": 0,
    "adam": 1,
    "rmsprop": 2,
    "adagrad": 3,
    "adadelta": 4,
    "momentum": 5,
    "nesterov": 6,
    "rprop": 7,
    "none": 0,
    "batch": 1,
    "layer": 2,
    "group": 3,
    "input": 4,
    "fixed": 0,
    "linear": 1,
    "sqrt": 2,
    "tuned": 3,
    "lenet5": 0,
    "lenet_theano": 1,
    "mlp": 2,
    "weight decay": 1,
    "L2": 2,
    "L1": 3,
    "dropout": 4,
}

# Dark to light, readable on white and on near-black: single hues of seaborn's "crest" turned round.
RAMP = (
    "#2c3172",
    "#26497c",
    "#1e5f84",
    "#22758a",
    "#378a8c",
    "#4c9f8d",
    "#66b290",
    "#82c494",
    "#a5cd90",
)


def hue(name: str, position: int) -> str:
    """The colour of a series: fixed by its name where it has one, else by its position."""
    return HUES[FIXED.get(name, position) % len(HUES)]


def marker(name: str, position: int) -> str:
    """The marker of a series, chosen like its colour."""
    return MARKERS[FIXED.get(name, position) % len(MARKERS)]


def ramp(count: int) -> list[str]:
    """`count` colours of the sequential ramp, spread over all of it."""
    if count == 1:
        return [RAMP[len(RAMP) // 2]]
    return [RAMP[round(i * (len(RAMP) - 1) / (count - 1))] for i in range(count)]
