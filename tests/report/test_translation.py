"""The Chinese catalogue is complete, keeps every field, and holds nothing unused."""

import re

import pytest

from batchmark.report.messages import from_json, say
from batchmark.report.numbers import times
from batchmark.report.page import claims
from batchmark.report.translation import Language, chinese
from tests.report.conftest import Site
from tests.report.messages_in_use import TEMPLATES, labels, said_texts, template_texts

FIELD = re.compile(r"\{(\w+)\}|%\((\w+)\)s")
NAMES = {
    "Adadelta", "Adagrad", "Adam", "RMSprop", "Rprop", "SGD", "CPU", "GPU", "LeNet (Theano)",
    "LeNet-5", "MLP", "bench", "local", "bench-gpu", "local-cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def zh() -> Language:
    return chinese(TEMPLATES / "zh.po")


def test_everything_said_is_translated(zh: Language) -> None:
    said = {text for text in template_texts() | said_texts() if text}
    assert len(said) > 200
    assert said - set(zh.catalogue) == set()


def test_translations_keep_fields_and_markup(zh: Language) -> None:
    for english, translated in zh.catalogue.items():
        assert set(FIELD.findall(english)) == set(FIELD.findall(translated)), english
        assert sorted(re.findall(r"<[^>]+>", english)) == sorted(
            re.findall(r"<[^>]+>", translated)
        ), english


def test_labels_of_figures_are_translated(zh: Language, site: Site) -> None:
    parts = {
        part
        for path in site.figures.glob("*.svg")
        for label in labels(path.read_text(encoding="utf-8"))
        for part in label.split(", ")
    }
    left = {part for part in parts if zh.label(part) == part and not part.isupper()} - NAMES
    assert {part for part in left if not part[0].isdigit()} <= {
        "dropout",
        "Nesterov",
        "Nesterov 0.5",
        "Nesterov 0.9",
        "Nesterov 0.99",
        "not measured",
    }


def test_heads_of_tables_are_translated(zh: Language, site: Site) -> None:
    heads = {
        column
        for path in site.figures.glob("*.json")
        for column in site.facts(path.stem).get("columns", [])
    }
    left = {head for head in heads if zh.label(head) == head and not head.isdigit()}
    assert left <= {"Nesterov", "L1", "L2", "GFLOP/s"}


def test_numbers_inside_labels_do_not_hide_them(zh: Language) -> None:
    assert zh.label("2 threads") == "2 个线程"
    assert zh.label("2,000 images") == "2,000 张图像"
    assert zh.label("no such text 7") == "no such text 7"


def test_messages_nest_and_survive_json(zh: Language) -> None:
    message = say("{one}, {two}", one=say("not reached"), two="50 %")
    again = from_json(message.to_json())
    assert again == message
    assert str(again) == "not reached, 50 %"
    assert zh.tell(again) == "未达到、50 %"


def test_factors_and_punctuation_are_chinese(zh: Language) -> None:
    assert zh.tell(say("; taking {size} blindly costs {times}", size=32, times=times(2.1))) == (
        "；若不加测试直接取 32，耗时是其 2.1\N{NO-BREAK SPACE}倍"
    )
    assert zh.tell(say("{one}, {two}", one="SGD慢", two="B用1轮")) == "SGD 慢、B 用 1 轮"
    assert zh.typeset("从批量 1 到 25000,增加 0.9(-0.1 至 1.02;3 次):完") == (
        "从批量 1 到 25,000，增加 0.9（−0.1 至 1.02；3 次）：完"
    )


def test_no_chinese_text_has_half_width_punctuation(zh: Language) -> None:
    narrow = re.compile(r"[\u4e00-\u9fff][,;:?(]|[,;:?)][\u4e00-\u9fff]")
    assert [text for text in zh.catalogue.values() if narrow.search(text)] == []


def test_braces_in_data_stay_text() -> None:
    assert str(say("{name} failed", name="{0.__class__}")) == "{0.__class__} failed"
    assert str(say("100 % {sure}")) == "100 % {sure}"


def test_words_from_tables_of_words_are_translated(zh: Language) -> None:
    words = [
        *claims.THEMES, claims.OTHER, *claims.VERDICTS.values(),
    ]  # fmt: skip
    assert {word for word in words if word not in zh.catalogue} <= {"L1", "L2", "Nesterov"}
