"""The languages of the page. English is the source; a gettext catalogue holds each other one.

The catalogue is read as it is (.po), so a translator edits one file and nothing is compiled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po

from batchmark.report.messages import Message

NUMBERS = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True)
class Language:
    """How to say things in one language. `tag` is the BCP 47 tag, `file` the page's name."""

    code: str
    tag: str
    name: str
    file: str
    catalogue: Mapping[str, str]

    def text(self, english: str) -> str:
        """The text in this language; unknown texts (names, numbers) stay as they are."""
        return self.catalogue.get(english) or english

    def label(self, english: str) -> str:
        """Like `text`, for labels that may hold numbers: "2 threads" is found as "{n} threads"."""
        if english in self.catalogue:
            return self.text(english)
        numbers = NUMBERS.findall(english)
        pattern = NUMBERS.sub("{n}", english)
        if len(numbers) != 1 or pattern not in self.catalogue:
            return english
        return self.text(pattern).replace("{n}", numbers[0])

    def tell(self, message: Message) -> str:
        """A message in this language."""
        return message.told(self.label)

    def day(self, when: date) -> str:
        """A date, written out."""
        return format_date(when, "long", locale=Locale.parse(self.tag, sep="-"))


def english() -> Language:
    """The source language."""
    return Language("en", "en", "English", "index.html", {})


def chinese(catalogue: Path) -> Language:
    """简体中文, from a .po file."""
    with catalogue.open("rb") as file:
        messages = read_po(file, locale="zh_Hans_CN")
    texts = {str(one.id): str(one.string) for one in messages if one.id and one.string}
    return Language("zh", "zh-Hans", "简体中文", "index.zh.html", texts)


def languages(folder: Path) -> list[Language]:
    """All languages whose catalogues lie in `folder`, the source language first."""
    return [english(), chinese(folder / "zh.po")]
