"""What of a source text can change a result."""

import ast

import pytest

from batchmark.plan.fingerprint import Kinds, by_kind, imported, significant

FUNCTION = 'def f(x):\n    """{doc}"""\n    {body}\n'


def parsed(text: str) -> Kinds:
    return by_kind(ast.parse(text))


def ours(text: str) -> str:
    return significant(parsed(text), ours=True, records=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("raise UserError(f'{x} is bad')", "raise UserError(f'{y} is bad: {x}; mend it')"),
        ("print(f'warning: {x}', file=sys.stderr)", "print('watch out', file=sys.stderr)"),
        ("parser.add_argument('--a', type=int, help='a')", "parser.add_argument('--a', type=int)"),
        ("text = f'{x} of {y}' if x else 'none'", "text = f'only {x}' if x else 'nothing'"),
        ("return Row(code='drift', text='moved')", "return Row(code='drift', text='ran')"),
        ("REMEDY = 'Delete it.'", "REMEDY = 'Remove it.'"),
        ("def _message(x):\n        return f'at {x}'", "def _message(x):\n        return 'at'"),
    ],
)  # fmt: skip
def test_messages_do_not_count(before: str, after: str) -> None:
    assert ours(FUNCTION.format(doc="One.", body=before)) == ours(
        FUNCTION.format(doc="Another.", body=after)
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("raise UserError('a')", "raise ValueError('a')"),
        ("raise UserError('a')", "pass"),
        ("parser.add_argument('--a', type=int)", "parser.add_argument('--a', type=float)"),
        ("parser.add_argument('--a', default=1)", "parser.add_argument('--a', default=2)"),
        ("text = f(1)", "text = f(2)"),
        ("return Row(code='drift', text='a')", "return Row(code='busy', text='a')"),
        ("mode = 'a'", "mode = 'b'"),
        ("context = 'spawn'", "context = 'fork'"),
        ("y = print(x)", "y = print(z)"),
        ("if x > 1: raise UserError('a')", "if x > 2: raise UserError('a')"),
    ],
)
def test_code_counts(before: str, after: str) -> None:
    assert ours(FUNCTION.format(doc="One.", body=before)) != ours(
        FUNCTION.format(doc="One.", body=after)
    )


def test_words_of_the_page_count() -> None:
    """What a figure says is its result; and others' code counts to the last word."""
    before, after = "text = 'a'", "text = 'b'"

    def page(text: str) -> str:
        return significant(parsed(text), ours=True, records=False)

    assert page(before) != page(after)
    raised = [significant(parsed(f"raise E('{word}')"), ours=False, records=False)
              for word in "ab"]  # fmt: skip
    assert raised[0] != raised[1]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a.b", {"a.b"}),
        ("from a import b", {"a", "a.b"}),
        ("from . import b", {"own.sub", "own.sub.b"}),
        ("from ..c import d", {"own.c", "own.c.d"}),
        ("def f():\n    import lazy", {"lazy"}),
        ("import_module('a.b')", {"a.b"}),
        ("importlib.import_module('.b', __package__)", {"own.sub.b"}),
        ("__import__('a')", {"a"}),
        ("submit(import_module, 'a.b')", {"a.b"}),
    ],
)
def test_imports_of_every_kind(text: str, names: set[str]) -> None:
    assert set(imported(parsed(text), "own.sub")) == names
