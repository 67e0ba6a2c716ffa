"""Parts of the page on the synthetic tables, checked against what the tables say."""

import json
import shutil
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from batchmark.contract.requests.render import ELSEWHERE, RenderRequest
from batchmark.contract.tables import REFERENCE, write_table
from batchmark.report.drawing import curves
from batchmark.report.language.messages import SPACE
from batchmark.report.page import appendix, claims, original, view
from batchmark.report.page import appendix as head
from batchmark.report.page import view as downloads
from batchmark.report.page.studies import variants_table
from batchmark.report.page.view import Head
from batchmark.report.selection import Tables, headline_rows, study_summary


@pytest.fixture(scope="module")
def tables(synthetic_tables: Path) -> Tables:
    return Tables(synthetic_tables)


def test_headline_has_the_original_rows_and_bases(tables: Tables) -> None:
    table = original.headline(tables)
    assert [str(cell.text) for cell in table.columns][:3] == ["batch size", "5,000", "2,000"]
    rows = {str(row[0].text): row for row in table.rows}
    assert list(rows)[:2] == ["total epochs", "total iterations"]
    assert str(rows["time of all epochs, per unit"][0].under) == "base: batch size 5,000"
    assert rows["time of all epochs, per unit"][1].text == "1"
    assert str(rows["time to target, per unit"][0].under).endswith(", published: 256")
    assert "1" in [cell.text for cell in rows["time to target, per unit"]]
    assert str(rows["epochs to target"][-1].text) == "stayed at chance"
    # The published value, and the reference behind it.
    assert str(rows["total iterations"][1].under) == "1,999 · 2,000"


def test_the_reference_stands_behind_the_published_value(tables: Tables, tmp_path: Path) -> None:
    shutil.copytree(tables.folder, tmp_path, dirs_exist_ok=True)
    row = {
        "machine": "elsewhere", "model": "lenet5", "learning_rate": 0.1, "batch_size": 50,
        "epochs": 200, "steps_per_epoch": 1000, "trials": 3, "reached": 0, "target": 0.99,
        "best_validation_error": 0.0125, "final_test_error": 0.5, "status": "done",
    }  # fmt: skip
    chance = {"status": "not_learning", "best_validation_error": 0.9}
    other = row | chance | {"batch_size": 7, "trials": 1}
    rows = pd.DataFrame([row, other], columns=list(REFERENCE))
    write_table(tmp_path, "reference", rows)
    told = original.headline(Tables(tmp_path))
    place = {str(cell.text): number for number, cell in enumerate(told.columns)}
    under = {str(line[0].text): [str(cell.under) for cell in line] for line in told.rows}
    # Published: 0.98 % and 24 epochs; there is no published size 7, and none of ours.
    assert under["best validation error (%)"][place["50"]] == "0.98 · 1.25"
    assert under["epochs to target"][place["50"]] == "24 · not reached"
    assert under["final test error (%)"][place["7"]] == "– · stayed at chance"
    assert str(told.rows[0][place["7"]].text) == "–"
    words = str(original.introduction(Tables(tmp_path)))
    assert "for 200 epochs with the target 99 %, 1 to 3 seeds a size" in words.replace("\xa0", " ")


def test_the_published_target_and_budget_are_not_told_apart_from_themselves(
    tables: Tables, tmp_path: Path
) -> None:
    shutil.copytree(tables.folder, tmp_path, dirs_exist_ok=True)
    for name in ("summary", "sensitivity"):
        frame = tables.frame(name)
        same = {"target": 0.99} | ({"epochs": 200} if "epochs" in frame else {})
        write_table(tmp_path, name, frame.assign(**same))
    assert "Our target is theirs" in str(original.introduction(Tables(tmp_path)))
    assert "compare the order" in str(original.introduction(tables))


def test_the_reference_is_not_beside_itself(tables: Tables, tmp_path: Path) -> None:
    shutil.copytree(tables.folder, tmp_path, dirs_exist_ok=True)
    home = tables.document("answer")["machine"]
    shown = tables.frame("reference").assign(machine=home)
    write_table(tmp_path, "reference", shown)
    assert "·" not in str(original.headline(Tables(tmp_path)).rows[0][1].under)
    assert "reference" not in str(original.introduction(Tables(tmp_path)))


def test_headline_shows_one_model_and_one_optimizer(tables: Tables) -> None:
    rows = headline_rows(tables)
    assert rows["batch_size"].is_unique
    assert set(rows["model"]) == {"lenet5"}


def test_every_claim_is_counted_and_has_a_card(tables: Tables) -> None:
    scored = {score.verdict: score.count for score in claims.scores(tables)}
    told = claims.claims(tables, {})
    cards = [card for theme in claims.themes(told) for card in theme.claims]
    cards += claims.unmeasured(told)
    assert sum(scored.values()) == len(cards) == len(claims.WORDS)
    assert scored["not-measured"] == len(claims.unmeasured(told))
    assert all(card.text and card.rule for card in cards)
    assert len({card.key for card in cards}) == len(cards)


def test_a_study_shows_what_it_shares_at_its_own_target_and_on_its_own_clock(
    tables: Tables, tmp_path: Path
) -> None:
    """The summary has one row a variant, in which the first of its studies speaks."""
    shutil.copytree(tables.folder, tmp_path, dirs_exist_ok=True)
    for name, seen in {
        "sensitivity": {"target": 0.42, "epochs_to_target": 7.0, "time_to_target": 70.0},
        "threads": {"seconds_per_epoch": 10.0},
    }.items():
        frame = tables.frame(name).copy()
        own = frame["study"] == "momentum"
        if "target" in frame:
            own &= frame["target"] == frame.loc[own, "target"].iloc[0]
        frame.loc[own, list(seen)] = list(seen.values())
        write_table(tmp_path, name, frame)
    rows = study_summary(Tables(tmp_path), "momentum")
    assert set(rows["target"]) == {0.42}
    assert set(rows["seconds_per_epoch"]) == {10.0}
    assert set(rows["epochs_to_target"]) == {7.0}
    assert set(study_summary(Tables(tmp_path), "batch_size")["target"]) != {0.42}


def test_only_settings_that_differ_have_a_column(tables: Tables) -> None:
    rows = study_summary(tables, "momentum")
    table = variants_table("momentum", rows, tables)
    names = [str(cell.text) for cell in table.columns]
    assert names[:3] == ["batch size", "momentum", "Nesterov"]
    assert "optimizer" not in names
    assert len(table.rows) == rows["variant"].nunique()
    assert str(table.columns[-1].text).startswith("time to target, over that of: batch size 32, ")


def test_an_interval_of_no_width_is_none() -> None:
    """The baseline's time has none: it is what the others are known over."""
    assert [view.ranged(2.5, *ends).under for ends in ((2.5, 2.5), (2.4, 2.6))] == ["", "2.4–2.6"]
    frame = pd.DataFrame({"y": [2.5, 3], "y_low": [2.5, 2.9], "y_high": [2.5, 3.1]})
    shown = curves.numbers(frame, {"y": "seconds", "y_low": "low", "y_high": "high"})
    assert shown["low"].isna().tolist() == shown["high"].isna().tolist() == [True, False]


def test_times_are_compared_with_a_baseline_that_was_timed(tables: Tables) -> None:
    rows = study_summary(tables, "momentum")
    untimed = rows.assign(time_to_target=float("nan"))
    heads = [str(cell.text) for cell in variants_table("momentum", untimed, tables).columns]
    assert not [head for head in heads if "over that of" in head]
    # The baseline alone was timed.
    base = set(tables.frame("comparisons").query("study == 'momentum'")["baseline"])
    alone = rows.assign(time_to_target=rows["time_to_target"].where(rows["variant"].isin(base)))
    ratios = [row[-1].text for row in variants_table("momentum", alone, tables).rows]
    assert set(map(str, ratios)) <= {"", "1"}


def test_every_setting_that_differs_has_a_column(tables: Tables) -> None:
    rows = study_summary(tables, "momentum")
    rows = rows.assign(activation=["relu", "tanh"] * (len(rows) // 2) + ["relu"] * (len(rows) % 2))
    table = variants_table("momentum", rows, tables)
    assert "activation" in [str(cell.text) for cell in table.columns]


def test_machines_stand_side_by_side(tables: Tables) -> None:
    table = appendix.machines_table(tables)
    assert {row[0].text for row in table.rows} == {"local", "bench"}


def test_warnings_are_a_sentence_a_kind_and_a_table(tmp_path: Path) -> None:
    (tmp_path / "warnings.csv").write_text(
        "machine,device,study,code,subject,text\n"
        "local,cpu,batch_size,outliers,a,1 of 7 visits lie far from the others.\n"
        "local,cpu,batch_size,outliers,b,2 of 7 visits lie far from the others.\n"
        "local,cpu,,sorted_classes,mine,The training images are sorted.\n"
        "local,cpu,batch_size,new,,Something in /home/somebody/x went wrong.\n",
        encoding="utf-8",
    )
    made = appendix.warnings(Tables(tmp_path))
    assert [str(sentence) for sentence in made.sentences] == [
        "Some times lie far from the others (batch size).",
        "The training images are sorted by class.",
        "Something in … went wrong (batch size).",
    ]
    assert len(made.table.rows) == 4
    assert made.table.download is not None
    assert appendix.warnings(Tables(tmp_path / "none")).sentences == []


def test_one_place_alone_is_no_comparison(tables: Tables, tmp_path: Path) -> None:
    for name in ("summary.csv", "settings.csv"):
        frame = pd.read_csv(tables.folder / name)
        kept = frame[frame["machine"] == "local"] if "machine" in frame else frame
        kept.to_csv(tmp_path / name, index=False)
    assert appendix.machines_table(Tables(tmp_path)).rows == []
    names = appendix.unmeasured(["devices", "machines", "layer_norms"])
    assert [str(name) for name in names] == ["layer norms"]


def test_reproduction_uses_the_targets_there_are(tables: Tables) -> None:
    asked = RenderRequest(
        scale="full", studies=[], config={},
        config_files=["config/config.yaml", "config/full.yaml", "mine.yaml"],
    )  # fmt: skip
    commands = appendix.reproduction(asked, tables).commands.splitlines()
    assert commands[-1] == 'make report ARGS="--configfile config/full.yaml mine.yaml"'
    alone = asked.model_copy(update={"config_files": ["config/config.yaml"]})
    assert appendix.reproduction(alone, tables).commands.endswith("make report")


def test_a_file_that_lay_elsewhere_is_named_by_what_a_reader_can_save(tables: Tables) -> None:
    asked = RenderRequest(
        scale="full", studies=[], config={},
        config_files=["config/config.yaml", "config/full.yaml", ELSEWHERE],
    )  # fmt: skip
    found = appendix.reproduction(asked, tables)
    assert found.commands.endswith('make report ARGS="--configfile configuration.yaml"')
    assert str(found.saved).startswith("configuration.yaml is the configuration below")


def test_sample_is_never_silent(tmp_path: Path) -> None:
    facts = {"name": "sample", "train": 4000, "validation": 500, "test": 500, "digest": "d"}
    runs = {"processor": "A CPU", "cores": 2, "gpu": "A card"}
    record = {"local/cpu": {"dataset": facts, **runs}}
    (tmp_path / "environment.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "answer.json").write_text('{"machine": "local", "device": "cpu"}', encoding="utf-8")
    made = head.head(Tables(tmp_path), "default")
    assert made.sample
    assert [str(part) for part in made.machine] == ["A CPU", "2 cores", "A card"]
    assert str(made.dataset) == "sample: 4,000 training, 500 validation, 500 test images"


def _head(folder: Path, record: dict) -> Head:
    (folder / "environment.json").write_text(json.dumps({"local/cpu": record}), encoding="utf-8")
    (folder / "answer.json").write_text('{"machine": "local", "device": "cpu"}', encoding="utf-8")
    return head.head(Tables(folder), "default")


def test_the_head_tells_commit_date_and_machine(tmp_path: Path) -> None:
    code = {"commit": "a" * 40, "dirty": True}
    machine = {"cpu": "A CPU", "cores": 4, "memory_bytes": 2**33, "gpus": [{"name": "A card"}]}
    session = {"environment": {"code": code, "machine": machine}}
    started = {"started": "2026-11-23T10:00:00+00:00"}
    shown = _head(tmp_path, {"clock": started, "timings": {"batch_size": session}})
    assert (shown.commit, shown.changed) == ("aaaaaaaaaa", True)
    assert shown.date == date(2026, 11, 23)
    assert [str(part) for part in shown.machine] == ["A CPU", "4 cores", f"8{SPACE}GiB", "A card"]


def test_the_head_takes_no_word_from_elsewhere(tmp_path: Path) -> None:
    stray = {"commit": "b" * 40, "date": "yesterday", "cpu": "not this", "cores": 99}
    shown = _head(tmp_path, {"switches": stray, "processor": "A CPU", "timings": {}})
    assert (shown.commit, shown.date, shown.machine) == ("", "", ["A CPU"])


def test_the_page_carries_small_tables_first(tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "large.csv").write_text("a\n" + "1\n" * downloads.ROOM, encoding="utf-8")
    assert [one.name for one in downloads.table_files(tmp_path)] == ["small.csv"]


def test_downloads_hold_what_the_table_held() -> None:
    made = downloads.csv_file("x", ["a", "b"], [[1.0, 'say "hi", #1 & 100%'], [2.5, None]])
    content = unquote(made.uri.partition(",")[2])
    assert content == 'a,b\n1,"say ""hi"", #1 & 100%"\n2.5,\n'
    assert '"' not in made.uri
    assert "<" not in made.uri


def test_frames_without_rows_make_no_table(tmp_path: Path) -> None:
    assert variants_table("x", pd.DataFrame(), Tables(tmp_path)).rows == []
    assert original.headline(Tables(tmp_path)).rows == []
