import pytest

from batchmark.machine.terminal import legible


@pytest.mark.parametrize(
    ("locales", "shown"),
    [
        ({"LANG": "C.UTF-8"}, "✓ 10–50 · 1.2 × …"),
        ({}, "✓ 10–50 · 1.2 × …"),
        ({"LANG": "C"}, "+ 10-50 - 1.2 x ..."),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, "+ 10-50 - 1.2 x ..."),
    ],
)
def test_who_asks_for_ascii_gets_it(
    monkeypatch: pytest.MonkeyPatch, locales: dict[str, str], shown: str
) -> None:
    for name in ("LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in locales.items():
        monkeypatch.setenv(name, value)
    assert legible("✓ 10–50 · 1.2 × …") == shown


def test_an_encoding_without_the_marks_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.ISO-8859-1")
    monkeypatch.setattr("locale.getpreferredencoding", lambda _: "ISO-8859-1")
    assert legible("✗ größer") == "x gr??er"
