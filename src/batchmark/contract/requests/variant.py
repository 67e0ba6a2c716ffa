"""One hyperparameter setting by name."""

from batchmark.contract.hyperparameters import Brief
from batchmark.contract.requests.message import Request


class Variant(Request):
    """One hyperparameter setting and its id."""

    id: str
    hyperparameters: Brief
