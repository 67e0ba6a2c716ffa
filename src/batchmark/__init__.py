"""batchmark: which batch size to train with on this machine, and how sure that is.

`recommend`: a prediction for a model and arrays; see `batchmark.recommendation`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchmark.recommendation import recommend

__all__ = ["recommend"]


def __getattr__(name: str) -> Any:
    """`recommend`, when it is asked for: every stage imports this package."""
    if name == "recommend":
        from batchmark import recommendation  # noqa: PLC0415

        return recommendation.recommend
    raise AttributeError(f"module 'batchmark' has no attribute {name!r}")
