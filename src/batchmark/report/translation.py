"""The languages of the page. English is the source; a gettext catalogue holds each other one.

The catalogue is read as it is (.po), so a translator edits one file and nothing is compiled.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po

from batchmark.report.messages import Message
from batchmark.report.numbers import SPACE, typeset

WIDE = {",": "，", ";": "；", ":": "：", "?": "？", "(": "（", ")": "）"}
HAN = r"[\u4e00-\u9fff]"
NUMBERS = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True)
class Language:
    """How to say things in one language.

    `tag` is the BCP 47 tag, `file` the page's name. `finish` puts right what only shows once a
    message has its fields; `typeset` gives sentences of the analysis the page's numbers.
    """

    code: str
    tag: str
    name: str
    file: str
    catalogue: Mapping[str, str]
    finish: Callable[[str], str] = str
    typeset: Callable[[str], str] = typeset

    def text(self, english: str) -> str:
        """The text in this language; unknown texts (names, numbers) stay as they are."""
        return unbroken(self.catalogue.get(english) or english)

    def label(self, english: str) -> str:
        """Like `text`, for labels that may hold numbers: "2 threads" is found as "{n} threads"."""
        if english in self.catalogue:
            return self.text(english)
        numbers = NUMBERS.findall(english)
        pattern = NUMBERS.sub("{n}", english)
        if len(numbers) != 1 or pattern not in self.catalogue:
            return unbroken(english)
        return self.text(pattern).replace("{n}", numbers[0])

    def tell(self, message: Message) -> str:
        """A message in this language."""
        return self.finish(message.told(self.label))

    def day(self, when: date) -> str:
        """A date, written out."""
        return format_date(when, "long", locale=Locale.parse(self.tag, sep="-"))


def unbroken(text: str) -> str:
    """A percent or times sign stays with its number."""
    return text.replace(" %", f"{SPACE}%").replace(" ×", f"{SPACE}×")


def english() -> Language:
    """The source language."""
    return Language("en", "en", "English", "index.html", {})


def chinese(catalogue: Path) -> Language:
    """简体中文, from a .po file."""
    with catalogue.open("rb") as file:
        messages = read_po(file, locale="zh_Hans_CN")
    texts = {str(one.id): str(one.string) for one in messages if one.id and one.string}
    return Language("zh", "zh-Hans", "简体中文", "index.zh.html", texts, spaced, wide)


def spaced(text: str) -> str:
    """Chinese with a space between its characters and Latin ones, and 倍 after a factor."""
    text = text.replace(f"{SPACE}×", f"{SPACE}倍")
    return re.sub(rf"(?<={HAN})(?=[A-Za-z\d])|(?<=[A-Za-z\d%])(?={HAN})", " ", text)


def wide(text: str) -> str:
    """A Chinese sentence of the analysis with full-width punctuation, except inside numbers."""
    marked = r"(?!(?<=\d)[,:]\d)([,;:?()]) ?"
    return re.sub(marked, lambda found: WIDE[found[1]], typeset(text))


def languages(folder: Path) -> list[Language]:
    """All languages whose catalogues lie in `folder`, the source language first."""
    return [english(), chinese(folder / "zh.po")]
