"""Messages to the stages: closed, JSON, and nothing that a stage does not use.

A job is rerun when its request changes, so a request holds exactly what can change its result.
"""

from pydantic import BaseModel, ConfigDict

from batchmark.contract.hyperparameters import Brief


class Request(BaseModel):
    """A closed, immutable message to a stage."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Variant(Request):
    """One hyperparameter setting and its id."""

    id: str
    hyperparameters: Brief
