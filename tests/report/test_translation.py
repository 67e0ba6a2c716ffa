"""Languages come from catalogues: their names and pages, their texts, their way of writing."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from babel.messages.pofile import read_po

from batchmark.contract.errors import UserError
from batchmark.report.language.messages import Message, from_json, percent, say, times
from batchmark.report.language.translation import (
    Language,
    english,
    fields,
    languages,
    translation,
)
from batchmark.report.language.untranslated import said
from tests.report.conftest import Site
from tests.report.messages_in_use import TEMPLATES, labels

STUDIES = TEMPLATES.parents[1] / "config" / "studies"
MARKUP = re.compile(r"<[^>]+>")
NAMES = {
    "Adadelta", "Adagrad", "Adam", "RMSprop", "Rprop", "SGD", "CPU", "GPU", "LeNet (Theano)",
    "LeNet-5", "MLP", "bench", "local", "bench-gpu", "local-cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def zh() -> Language:
    return translation(TEMPLATES / "zh.po")


def test_translations_keep_fields_and_markup() -> None:
    with (TEMPLATES / "zh.po").open("rb") as file:
        catalogue = read_po(file)
    for one in filter(lambda one: one.id, catalogue):
        english, translated = str(one.id), str(one.string)
        assert fields(english) == fields(translated), english
        assert sorted(MARKUP.findall(english)) == sorted(MARKUP.findall(translated)), english


def test_a_catalogue_is_all_that_a_language_takes(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_text(
        'msgid "{n} epochs"\nmsgstr "{n} Epochen"\n\nmsgid "×"\nmsgstr "mal"\n'
    )
    (tmp_path / "pt.po").write_text('msgid ""\nmsgstr ""\n"Language: pt_BR\\n"\n')
    english, german, portuguese = languages(tmp_path)
    assert (english.tag, english.name, english.file) == ("en", "English", "index.html")
    assert (german.tag, german.name, german.file) == ("de", "Deutsch", "index.de.html")
    assert (portuguese.tag, portuguese.name) == ("pt", "Português")
    assert german.tell(say("{n} epochs", n=3)) == "3 Epochen"
    assert german.tell(say("{times} of it", times=times(2.1))) == "2.1\N{NO-BREAK SPACE}mal of it"
    assert german.day(date(2026, 3, 1)) == "1. März 2026"


def test_one_is_singular() -> None:
    told = say(
        "Median of {n} trials a point, over {n} of {n} pairs ({m} rounds) at batch size {n} points "
        "closer by 0.1 points; L1 draws {n} networks.",
        n=1,
        m=21,
    )
    assert english().tell(told) == (
        "Median of 1 trial a point, over 1 of 1 pair (21 rounds) at batch size 1 points "
        "closer by 0.1 points; L1 draws 1 network."
    )


def test_chinese_is_named_by_its_script(zh: Language) -> None:
    assert (zh.tag, zh.name, zh.file) == ("zh-Hans", "简体中文", "index.zh.html")


def test_a_translation_with_other_fields_is_none(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_text(
        'msgid "{n} epochs"\nmsgstr "{m} Epochen"\n\n'
        'msgid "{x:points} points"\nmsgstr "{x} Punkte"\n\n'
        '#, fuzzy\nmsgid "reached"\nmsgstr "verfehlt"\n'
    )
    assert dict(translation(tmp_path / "de.po").catalogue) == {}


def test_a_language_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "qqq.po").write_text('msgid "a"\nmsgstr "b"\n')
    with pytest.raises(UserError, match=r"qqq\.po: no language is called 'qqq'; name a catalogue"):
        languages(tmp_path)


def test_labels_of_figures_are_translated_or_listed(zh: Language, site: Site) -> None:
    parts = {
        part
        for path in site.figures.glob("*.svg")
        for label in labels(path.read_text(encoding="utf-8"))
        for part in label.split(", ")
    }
    left = {part for part in parts if zh.label(part) == part and not part.isupper()} - NAMES
    left -= said(TEMPLATES)
    assert {part for part in left if not part[0].isdigit()} <= {
        "dropout",
        "Nesterov",
        "Nesterov 0.5",
        "Nesterov 0.9",
        "Nesterov 0.99",
        "not measured",
    }


def test_heads_of_tables_are_translated_or_listed(zh: Language, site: Site) -> None:
    heads = {
        column
        for path in site.figures.glob("*.json")
        for column in site.facts(path.stem).get("columns", [])
    }
    left = {head for head in heads if zh.label(head) == head and not head.isdigit()}
    assert left - said(TEMPLATES) <= {"Nesterov", "L1", "L2", "GFLOP/s"}


def test_numbers_inside_labels_do_not_hide_them(zh: Language) -> None:
    assert zh.label("2 threads") == "2 个线程"
    assert zh.label("2,000 images") == "2,000 张图像"
    assert zh.label("no such text 7") == "no such text 7"
    # The word of a setting, whatever its number.
    assert zh.label("half-life of beta 2 69,000") == "beta 2 半衰期 69,000"
    assert zh.label("initial scale 0.1") == "初始尺度 0.1"


def test_messages_nest_and_survive_json(zh: Language) -> None:
    message = say("{one}, {two}", one=say("not reached"), two="50 %")
    again = from_json(message.to_json())
    assert again == message
    assert str(again) == "not reached, 50 %"
    assert zh.tell(again) == "未达到、50%"


def test_factors_and_punctuation_are_chinese(zh: Language) -> None:
    known = Message(times(2.1))
    assert zh.tell(say("at least {times} at {size}", size=32, times=known)) == (
        "32 至少为 2.1\N{NO-BREAK SPACE}倍"
    )
    assert zh.tell(say("{one} and {other}", one=percent(0.5), other=say("not reached"))) == (
        "50% 和未达到"
    )
    assert zh.tell(say("{one}, {two}", one="SGD慢", two="B用1轮")) == "SGD 慢、B 用 1 轮"


def test_intervals_stand_in_the_brackets_of_their_language(zh: Language) -> None:
    told = say("Predicted batch size {predicted}{interval}, measured {best}",
               predicted="54", interval=" (21–130)", best="64")  # fmt: skip
    assert "54（21–130）" in zh.tell(told)
    assert "54 (21–130)" in english().tell(told)
    assert zh.tell(Message("B_crit 为 E_min (1 + B/B_crit)")) == "B_crit 为 E_min (1 + B/B_crit)"


def test_no_chinese_text_has_half_width_punctuation(zh: Language) -> None:
    narrow = re.compile(r"[\u4e00-\u9fff][,;:?(]|[,;:?)][\u4e00-\u9fff]")
    studies = [yaml.safe_load(path.read_text("utf-8")) for path in STUDIES.glob("[a-z]*.yaml")]
    words = [study[key]["zh"] for study in studies for key in ("question", "description")]
    assert len(words) >= 20
    assert [text for text in [*zh.catalogue.values(), *words] if narrow.search(text)] == []


def test_words_of_studies_are_plain_text() -> None:
    """The page shows marks of Markdown as they are."""
    assert [
        path.name for path in STUDIES.glob("[a-z]*.yaml") if "`" in path.read_text("utf-8")
    ] == []


def test_braces_in_data_stay_text() -> None:
    assert str(say("{name} failed", name="{0.__class__}")) == "{0.__class__} failed"
    assert str(say("100 % {sure}")) == "100 % {sure}"


def test_a_template_prints_messages_and_dates_in_its_language(zh: Language) -> None:
    assert zh.printed(say("not reached")) == "未达到"
    assert zh.printed(date(2026, 3, 1)) == "2026年3月1日"
    assert zh.printed("not reached") == "not reached"
