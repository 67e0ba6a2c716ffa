"""Numbers in sentences."""

import numpy as np


def plain(value: float) -> str:
    """Three significant digits, no exponent where it can be avoided."""
    if not np.isfinite(value):
        return "?"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e7 else text


def points(share: float) -> str:
    """A difference of shares in percentage points; the sentence names the unit."""
    return plain(100 * share)


def percentage(share: float) -> str:
    """A share in percent, with its sign of unit."""
    return f"{plain(100 * share)} %" if np.isfinite(share) else "?"
