"""Numbers in sentences."""

import numpy as np

from batchmark.analysis.claims.decision import Decision


def plain(value: float) -> str:
    """Three significant digits, no exponent where it can be avoided."""
    if not np.isfinite(value):
        return "?"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e7 else text


def about(count: int | None) -> str:
    """A predicted count in two significant digits, grouped by thousands."""
    return "?" if count is None else f"{int(float(f'{count:.2g}')):,}"


def points(name: str, difference: Decision) -> dict[str, str]:
    """A difference of shares in percentage points, as `{name}`, `{name}_low`, `{name}_high`."""
    parts = {"": difference.effect, "_low": difference.low, "_high": difference.high}
    return {f"{name}{end}": plain(100 * part) for end, part in parts.items()}


def percentage(share: float) -> str:
    """A share in percent, with its sign of unit."""
    return f"{plain(100 * share)} %" if np.isfinite(share) else "?"
