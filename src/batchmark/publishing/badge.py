"""A status badge to link to the report from a README."""

from html import escape

_CHARACTER = 6.6
_PADDING = 12


def draw_badge(label: str, message: str) -> str:
    """An SVG of 20 px height: `label` on grey, `message` on blue."""
    left, right = _width(label), _width(message)
    text = escape(f"{label}: {message}")
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" \
role="img" aria-label="{text}">
<title>{text}</title>
<clipPath id="round"><rect width="{left + right}" height="20" rx="3"/></clipPath>
<g clip-path="url(#round)">
<rect width="{left}" height="20" fill="#444"/>
<rect x="{left}" width="{right}" height="20" fill="#0060a0"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11">
{_centred(label, left / 2)}
{_centred(message, left + right / 2)}
</g>
</svg>
"""


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER) + _PADDING


def _centred(text: str, middle: float) -> str:
    """Text fitted to its box, since the reader's font is not known."""
    length = _width(text) - _PADDING
    return f'<text x="{middle:g}" y="14" textLength="{length}">{escape(text)}</text>'
