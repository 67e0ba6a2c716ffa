"""One hyperparameter setting by name."""

from batchmark.contract.hyperparameters import Hyperparameters
from batchmark.contract.requests.message import Request


class Variant(Request):
    """One hyperparameter setting and its id."""

    id: str
    hyperparameters: Hyperparameters
