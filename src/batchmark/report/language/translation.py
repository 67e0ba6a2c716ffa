"""The languages of the page. English is the source; a gettext catalogue holds each other one.

The catalogue is read as it is (.po), so a translator edits one file and nothing is compiled. What
it lacks appears in English.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from batchmark.contract.errors import UserError
from batchmark.contract.languages import SOURCE, TEMPLATES, language_codes, page_file
from batchmark.report.language.messages import SPACE, Message

# Chinese has no spaces of its own; typesetters put one beside Latin letters and digits.
HAN = r"[\u4e00-\u9fff]"
# What sentences count, of which one has another form in English; no size, share or decimal before.
PLURAL = re.compile(
    r"(?<![\w.,−-])(?<!size )1 "
    r"(draw|example|image|machine|moment|network|pair|point|probe|round|rule|seed|setting|trial)s\b"
)
NUMBERS = re.compile(r"\d[\d,.]*")
# Python's and gettext's: a translation must have those of the original.
FIELDS = re.compile(r"\{\w+(?::\w+)?\}|%\(\w+\)s")


@dataclass(frozen=True)
class Language:
    """How to say things in one language. `catalogue`: its texts by the English ones."""

    code: str
    locale: Locale
    catalogue: Mapping[str, str]

    @property
    def tag(self) -> str:
        """The BCP 47 tag: language, and script where the catalogue names one."""
        return "-".join(filter(None, (self.locale.language, self.locale.script)))

    @property
    def name(self) -> str:
        """What its speakers call it."""
        names = self.locale.languages
        own = names.get(self.tag.replace("-", "_")) or names.get(self.locale.language, self.code)
        return own[:1].upper() + own[1:]

    @property
    def file(self) -> str:
        """The page's name."""
        return page_file(self.code)

    def text(self, english: str) -> str:
        """The text in this language; unknown texts (names, numbers) stay as they are."""
        return self.signed(self.catalogue.get(english) or english)

    def signed(self, text: str) -> str:
        """With the space before its signs that this language writes, and no line broken there."""
        return unbroken(singular(text)).replace(f"{SPACE}%", self.share_sign)

    @property
    def share_sign(self) -> str:
        """What stands behind a percentage, with the space before it."""
        return self.catalogue.get(" %", f"{SPACE}%")

    def label(self, english: str) -> str:
        """Like `text`, for labels that may hold numbers: "2 threads" is found as "{n} threads".

        Of "momentum 0.9" the word is.
        """
        if english in self.catalogue:
            return self.text(english)
        word, _, number = english.rpartition(" ")
        if word in self.catalogue and NUMBERS.fullmatch(number):
            return f"{self.text(word)} {number}"
        numbers = NUMBERS.findall(english)
        pattern = NUMBERS.sub("{n}", english)
        if len(numbers) != 1 or pattern not in self.catalogue:
            return self.signed(english)
        return self.text(pattern).replace("{n}", numbers[0])

    def tell(self, message: Message) -> str:
        """A message in this language; the signs of a factor and of a share may be its own."""
        text = self.signed(message.translated(self.label))
        return spaced(text.replace(f"{SPACE}×", f"{SPACE}{self.text('×')}"))

    def printed(self, value: object) -> object:
        """What a template prints: messages and dates in this language, all else as it is."""
        if isinstance(value, Message):
            return self.tell(value)
        return self.day(value) if isinstance(value, date) else value

    def chosen(self, words: Mapping[str, str]) -> str:
        """Of words given by the code of their language: this one's, else English, else none."""
        return words.get(self.code) or words.get(SOURCE, "")

    def day(self, when: date) -> str:
        """A date, written out."""
        return format_date(when, "long", locale=self.locale)


def singular(text: str) -> str:
    """An English text, or what is not translated, with "1 trial" for "1 trials" and the like."""
    return PLURAL.sub(r"1 \1", text)


def unbroken(text: str) -> str:
    """A percent or times sign stays with its number."""
    return text.replace(" %", f"{SPACE}%").replace(" ×", f"{SPACE}×")


def spaced(text: str) -> str:
    """A space between Chinese characters and Latin ones, where a field meets its sentence.

    And none between two Chinese ones or behind their punctuation; intervals in its brackets.
    """
    if re.search(HAN, text):
        text = re.sub(r" \(([−\d.,∞]+(?:–| … )[−\d.,∞]+)\)", r"（\1）", text)
    text = re.sub(rf"(?<={HAN}) (?={HAN})|(?<=[，。；：？（）、]) (?=\S)", "", text)
    return re.sub(rf"(?<={HAN})(?=[A-Za-z\d])|(?<=[A-Za-z\d%])(?={HAN})", " ", text)


def english() -> Language:
    """The source language."""
    return Language(SOURCE, Locale(SOURCE), {})


def translation(path: Path) -> Language:
    """The language of a catalogue, named by its header or, without one, by its file.

    Raises UserError for a language that does not exist.
    """
    with path.open("rb") as file:
        catalogue = read_po(file)
    try:
        locale = Locale.parse(catalogue.locale_identifier or path.stem)
    except (UnknownLocaleError, ValueError):
        raise UserError(
            f"{path}: no language is called {path.stem!r}; name a catalogue by its language's "
            "code, as in de.po, or give it a header with `Language:`."
        ) from None
    return Language(path.stem, locale, texts(catalogue))


def texts(catalogue: Catalog) -> dict[str, str]:
    """What is translated, with the same fields as in English; fuzzy texts are not."""
    return {
        str(entry.id): str(entry.string)
        for entry in catalogue
        if entry.id
        and entry.string
        and not entry.fuzzy
        and fields(str(entry.id)) == fields(str(entry.string))
    }


def fields(text: str) -> set[str]:
    """The `{fields}` and `%(fields)s` of a text."""
    return set(FIELDS.findall(text))


def languages(folder: Path = TEMPLATES) -> list[Language]:
    """All languages whose catalogues lie in `folder`, the source language first."""
    _, *others = language_codes(folder)
    return [english(), *(translation(folder / f"{code}.po") for code in others)]
