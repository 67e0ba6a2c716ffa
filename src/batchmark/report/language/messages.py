"""What is said, in English with fields, and how numbers and lists are written in it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Translate = Callable[[str], str]


@dataclass(frozen=True)
class Message:
    """An English text with `{named}` fields: texts, other messages, or what formats itself."""

    text: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.translated(str)

    def translated(self, translate: Translate) -> str:
        """The text in the language of `translate`, which maps English texts to that language."""
        text = translate(self.text)
        fields = {
            name: value.translated(translate) if isinstance(value, Message) else value
            for name, value in self.fields.items()
        }
        # A text without fields may hold braces of its own: it comes from data.
        return text.format(**fields) if fields else text

    def to_json(self) -> dict[str, Any]:
        """Plain containers for JSON; `from_json` is the inverse."""
        plain = {
            name: value.to_json() if isinstance(value, Message) else value
            for name, value in self.fields.items()
        }
        return {"text": self.text, "fields": plain}


# What the page prints: a message in the reader's language, a string as it is.
Text = Message | str


def say(text: str, **fields: "str | int | Message") -> Message:
    """A message. Translators' tools find its text by this function's name."""
    kept = {k: v if isinstance(v, Message) else str(v) for k, v in fields.items()}
    return Message(text, kept)


def from_json(content: Mapping[str, Any]) -> Message:
    """The message that `Message.to_json` wrote."""
    fields = {
        name: from_json(value) if isinstance(value, dict) else str(value)
        for name, value in content["fields"].items()
    }
    return Message(content["text"], fields)


PAIR = say("{one}, {two}")


def epochs(count: float) -> Message:
    """A number of epochs."""
    written = significant(count)
    return say("1 epoch") if written == "1" else say("{n} epochs", n=written)


def each(step: float) -> Message:
    """How often something happens that happens every `step` epochs."""
    parts = round(1 / step) if step < 1 else 0
    if parts and math.isclose(parts * step, 1, rel_tol=0.02):
        return say("every 1/{n} epoch", n=parts)
    written = significant(step, 2)
    return say("every epoch") if written == "1" else say("every {n} epochs", n=written)


def threads(count: float) -> Message:
    """A number of threads."""
    return say("1 thread") if count == 1 else say("{n} threads", n=int(count))


def labelled(label: str) -> Message:
    """A curve's name as a sentence has it: "SGD (tuned)" for the drawing's "SGD, tuned"."""
    name, *rest = map(Message, label.split(", "))
    return say("{one} ({two})", one=name, two=joined(rest)) if rest else name


def listed(labels: Sequence[str]) -> Message:
    """Readers' names with commas between them, each once; there must be one."""
    return joined([labelled(label) for label in dict.fromkeys(labels)])


def enumerated(labels: Sequence[str]) -> Message:
    """The same as a sentence has them: "and" before the last."""
    *most, last = [labelled(label) for label in dict.fromkeys(labels)]
    return say("{one} and {other}", one=joined(most), other=last) if most else last


def joined(parts: Sequence[Message], pair: Message = PAIR) -> Message:
    """Messages one after the other, as `pair` joins `{one}` and `{two}`; there must be one."""
    together, *others = parts
    for other in others:
        together = say(pair.text, one=together, two=other)
    return together


# A number and its unit stay on one line.
SPACE = "\N{NO-BREAK SPACE}"
# An interval whose ends differ by more than this factor bears out one digit only.
WIDE = 1.5
# Outside of these an axis writes powers of ten; 0.0099 lets a rounded 0.01 be plain.
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
    # 100 times 0.01905 is less than 1.905 and not written like it.
    value = float(f"{value:.12g}")
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    text = f"{rounded:,.{max(places, 0)}f}"
    trimmed = text.rstrip("0").rstrip(".") if "." in text else text
    return trimmed.replace("-", "−")


def percent(share: float, digits: int = 3) -> str:
    """A share as a percentage."""
    return f"{significant(100 * share, digits)}{SPACE}%"


def percents(share: float) -> str:
    """The same without its sign, where a head says that it is one."""
    return significant(100 * share)


def whole(value: float) -> str:
    """A count with thousands separators."""
    return "n/a" if math.isnan(value) else f"{round(value):,}"


def times(value: float, digits: int = 2) -> str:
    """A ratio as a factor."""
    return f"{significant(value, digits)}{SPACE}×"


def interval(low: float, high: float, digits: int = 2) -> str:
    """An interval with two significant digits; an open end is written as ∞.

    Ends that are written alike are written once.
    """
    if math.isnan(low) or math.isnan(high):
        return ""
    dash = "–" if low >= 0 else " … "
    return dash.join(dict.fromkeys(significant(end, digits) for end in (low, high)))


def bracketed(low: float | None, high: float | None, digits: int = 2) -> str:
    """The interval in parentheses after a space; empty when a bound is not known."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f" ({interval(low, high, digits)})"


def trusted_digits(low: float | None, high: float | None) -> int:
    """How many digits of a positive estimate an interval bears out: 2, or 1 when it is wide."""
    return 2 if low and high and high / low <= WIDE else 1


def seconds(value: float, digits: int = 3) -> str:
    """A duration in the unit that suits it."""
    if not math.isfinite(value):
        return significant(value)
    # 90 minutes are 1.5 h, and two minutes no longer 120 s.
    if value >= 5400:
        return f"{significant(value / 3600, digits)}{SPACE}h"
    if value >= 120:
        return f"{significant(value / 60, digits)}{SPACE}min"
    if value >= 0.1:
        return f"{significant(value, digits)}{SPACE}s"
    return f"{significant(1000 * value, digits)}{SPACE}ms"


def typeset(text: str) -> str:
    """A sentence's plain numbers as the page writes them: 5,000 and −1 instead of 5000 and -1.

    Dates stay as they are.
    """
    text = re.sub(r"(?a)(?<![\w.,])\d{4,}(?!\w|[.,-]\d)", lambda one: f"{int(one[0]):,}", text)
    return re.sub(r"(?a)(?<![\w)])-(?=\d)|(?<=\S )-(?= \S)", "−", text)


def power(value: float) -> str:
    """An axis tick: plain, or with a power of ten where plain would be mostly zeros."""
    if value <= 0 or PLAIN_FROM <= value < PLAIN_TO:
        return significant(value)
    # The logarithm of 10**k may come out just below k.
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
