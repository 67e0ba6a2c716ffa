"""The jobs of a finished micro run, named as `Checkout.planned` names them."""

from tests.workflow.checkout import Checkout

AFTER_ANALYZE = {"analyze", "render"}
AFTER_JUDGE = {"judge", "render"}
AFTER_COLLECT = {"collect", *AFTER_ANALYZE, *AFTER_JUDGE}


def figures(checkout: Checkout) -> set[str]:
    """All figures."""
    return {f"plot {path.stem}" for path in (checkout.folder / "reports/figures").glob("*.svg")}


def runs(checkout: Checkout, *words: str) -> set[str]:
    """The runs of the variants whose ids have all `words`."""
    return {f"train {name}" for name in _names(checkout, "runs") if all(w in name for w in words)}


def probes(checkout: Checkout) -> set[str]:
    """All gradient probes."""
    return {f"probe {name}" for name in _names(checkout, "gradients")}


def timings(checkout: Checkout) -> set[str]:
    """All timing sessions."""
    return {f"time {name}" for name in _names(checkout, "timings")}


def _names(checkout: Checkout, kind: str) -> list[str]:
    return [path.stem for path in checkout.folder.glob(f"results/local/cpu/{kind}/*.json")]
