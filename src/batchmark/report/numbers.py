"""Numbers as the report writes them: few digits, no exponents, misses spelled out."""

import math

# A number and its unit stay on one line.
SPACE = "\N{NO-BREAK SPACE}"
PLAIN_FROM, PLAIN_TO = 0.0099, 999_999
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def significant(value: float, digits: int = 3) -> str:
    """`value` with at most `digits` significant digits and thousands separators."""
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    text = f"{rounded:,.{max(places, 0)}f}"
    return _trimmed(text).replace("-", "−")


def percent(share: float, digits: int = 3) -> str:
    """A share as a percentage."""
    return f"{significant(100 * share, digits)}{SPACE}%"


def whole(value: float) -> str:
    """A count with thousands separators."""
    return "n/a" if math.isnan(value) else f"{round(value):,}"


def times(value: float) -> str:
    """A ratio as a factor."""
    return f"{significant(value)}{SPACE}×"


def interval(low: float, high: float, digits: int = 2) -> str:
    """An interval with two significant digits; an open end is written as ∞."""
    if math.isnan(low) or math.isnan(high):
        return ""
    dash = "–" if low >= 0 else " … "
    return f"{significant(low, digits)}{dash}{significant(high, digits)}"


def seconds(value: float) -> str:
    """A duration in the unit that suits it."""
    if not math.isfinite(value):
        return significant(value)
    if value >= 5400:
        return f"{significant(value / 3600)}{SPACE}h"
    if value >= 120:
        return f"{significant(value / 60)}{SPACE}min"
    if value >= 0.1:
        return f"{significant(value)}{SPACE}s"
    return f"{significant(1000 * value)}{SPACE}ms"


def power(value: float) -> str:
    """An axis tick: plain, or with a power of ten where plain would be mostly zeros."""
    if value <= 0 or PLAIN_FROM <= value < PLAIN_TO:
        return significant(value)
    exponent = math.floor(math.log10(value) + 1e-9)
    digits = significant(value / 10.0**exponent)
    ten = "10" + str(exponent).translate(SUPERSCRIPTS)
    return ten if digits == "1" else f"{digits}·{ten}"


def size(count: int) -> str:
    """A batch size as an axis label: 1, 20, 256, 1k, 50k."""
    thousands = count >= 1000 and count % 100 == 0
    return f"{count / 1000:g}k" if thousands else f"{count:g}"


def memory(count: float) -> str:
    """Bytes in MiB or GiB."""
    mebibytes = count / 2**20
    return (
        f"{significant(mebibytes / 1024)}{SPACE}GiB"
        if mebibytes >= 1024
        else (f"{significant(mebibytes)}{SPACE}MiB")
    )


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
