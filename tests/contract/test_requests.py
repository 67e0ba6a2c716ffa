"""A request holds what its stage reads and nothing else: a field more is a job too many."""

import ast
from functools import cache
from importlib import import_module
from itertools import chain
from pkgutil import iter_modules

import pytest
from pydantic import BaseModel

from batchmark.contract import requests
from batchmark.plan.fingerprint import closure, module_tree

STAGES = {
    "dataset": "download",
    **{name: name for name in ("train", "time", "probe", "profile", "collect", "analyze")},
    **{name: name for name in ("render", "publish")},
}


def _messages(module: str) -> list[type[BaseModel]]:
    """The requests and parts of requests that a module defines."""
    found = vars(import_module(module)).values()
    return [
        one
        for one in found
        if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == module
    ]


@cache
def _attributes(module: str) -> frozenset[str]:
    nodes = ast.walk(module_tree(module))
    return frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute))


def _names_read(stage: str) -> set[str]:
    return {*chain.from_iterable(map(_attributes, closure(f"batchmark.stages.{stage}")))}


@pytest.mark.parametrize(("module", "stage"), STAGES.items())
def test_every_field_is_read_by_the_stage(module: str, stage: str) -> None:
    read = _names_read(stage)
    for message in _messages(f"{requests.__name__}.{module}"):
        assert set(message.model_fields) - read == set(), message


def test_every_stage_has_a_module_of_its_own() -> None:
    modules = {module.name for module in iter_modules(requests.__path__)}
    assert modules - {"message", "budget"} == set(STAGES)
    for stage in STAGES.values():
        seen = {name.rpartition(".")[2] for name in closure(f"batchmark.stages.{stage}")
                if name.startswith(f"{requests.__name__}.")}  # fmt: skip
        assert {STAGES.get(name) for name in seen} <= {stage, None}, stage


def test_contract_imports_nothing_above_it() -> None:
    for module in iter_modules(requests.__path__, "batchmark.contract.requests."):
        above = {name for name in closure(module.name) if ".contract" not in name}
        assert above <= {"batchmark.contract.errors"}
