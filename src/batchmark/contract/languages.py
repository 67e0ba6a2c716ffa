"""The files of the page, one a language: English, and each language that has a catalogue."""

from pathlib import Path

SOURCE = "en"
# The answer and what limits it in plain words, which are reStructuredText, too.
ANSWER_FILE = "answer.rst"
TEMPLATES = Path(__file__).parents[3] / "workflow" / "report"


def language_codes(folder: Path = TEMPLATES) -> list[str]:
    """English, the language of the code, and those whose catalogues (`zh.po`) lie in `folder`."""
    return [SOURCE, *sorted({path.stem for path in folder.glob("*.po")} - {SOURCE})]


def page_file(code: str) -> str:
    """The page's name in a language."""
    return "index.html" if code == SOURCE else f"index.{code}.html"


def pages_in(folder: Path) -> dict[str, Path]:
    """The pages in a folder by the codes of their languages, English first."""
    others = sorted(folder.glob(page_file("*")))
    pages = [(SOURCE, folder / page_file(SOURCE)), *((p.name.split(".")[1], p) for p in others)]
    return {code: path for code, path in pages if path.is_file()}
