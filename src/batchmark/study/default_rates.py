"""The learning rates that optimizers have by themselves, known without importing Keras."""

_DEFAULT_RATES = {"sgd": 0.01, "rprop": 0.1, "schedulefreeadamw": 0.0025}
_OTHERS = 0.001


def default_rate(optimizer: str) -> float | None:
    """That of a named optimizer's class; None for an own class, which tells when it is made."""
    return None if ":" in optimizer else _DEFAULT_RATES.get(optimizer.lower(), _OTHERS)
