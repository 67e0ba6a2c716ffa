"""Every mistake ends in one sentence that names file, key, value and what is allowed."""

import copy
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchmark.contract.errors import UserError
from batchmark.plan.plan import Plan, open_plan
from batchmark.plan.reading import read_yaml
from tests.plan.conftest import CONFIG, STUDY, OpenPlan
from tests.plan.test_grid import COLLISION

LONG = "x" * 300
DAY = date(2026, 1, 1)


def _set(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(content)
    *parents, last = path.split("/")
    place = changed
    for part in parents:
        place = place.setdefault(part, {})
    place[last] = value
    return changed


# path in the configuration, value, words the message must hold
CONFIG_MISTAKES = [
    ("machin", "x", ["machin", "did you mean 'machine'"]),
    ("dataset/mirors", [], ["dataset.mirors", "did you mean 'mirrors'"]),
    ("training/epoch", 3, ["training.epoch", "did you mean 'epochs'"]),
    ("timing/round", 3, ["timing.round", "did you mean 'rounds'"]),
    ("tuning/point", 3, ["tuning.point", "did you mean 'points'"]),
    ("probing/draw", 3, ["probing.draw", "did you mean 'draws'"]),
    ("publish", {"remot": "x"}, ["publish.remot", "did you mean 'remote'"]),
    ("studies/first", {"grid": []}, ["studies.first.grid", "did you mean 'grids'"]),
    ("studies/first", 3, ["studies.first", "3"]),
    ("machine", "a/b", ["machine", "'a/b'", "small letters, digits, hyphens"]),
    ("machine", "..", ["machine", "'..'"]),
    ("machine", "my laptop", ["machine", "'my laptop'"]),
    ("machine", "🦉", ["machine"]),
    ("machine", LONG, ["machine"]),
    ("machine", "", ["machine"]),
    ("machine", 3, ["machine", "3"]),
    ("scale", None, ["scale", "None"]),
    ("devices", ["tpu"], ["devices", "'cpu' or 'gpu'", "'auto'"]),
    ("devices", [], ["devices"]),
    ("devices", "cpu", ["devices", "'cpu'"]),
    ("dataset/fallback", "samples", ["dataset.fallback", "'samples'", "'sample' or 'none'"]),
    ("dataset/mirrors", "https://example.org", ["dataset.mirrors", "list"]),
    ("dataset/validation", 0, ["dataset.validation", "0"]),
    ("dataset/validation", 1.5, ["dataset.validation", "1.5"]),
    ("dataset/connect_timeout", 0, ["dataset.connect_timeout", "greater than 0"]),
    ("dataset/read_timeout", "30", ["dataset.read_timeout", "'30'", "text"]),
    ("dataset/name", "fashion", ["targets", "'fashion'"]),
    ("targets", {"mnist": [0.98]}, ["targets", "'sample'"]),
    ("targets/mnist", [1.2], ["targets.mnist.0", "1.2", "less than 1"]),
    ("targets/mnist", [1], ["targets.mnist.0", "less than 1"]),
    ("targets/mnist", [], ["targets.mnist = []: should have at least 1 item."]),
    ("machine", DAY, ["machine = 2026-01-01: ", "put it in quotes"]),
    ("targets/mnist", 0.98, ["targets.mnist", "0.98"]),
    ("training/epochs", 0, ["training.epochs", "greater than 0"]),
    ("training/epochs", -1, ["training.epochs", "-1"]),
    ("training/epochs", 1e9, ["training.epochs", "10000"]),
    ("training/epochs", float("nan"), ["training.epochs", "nan"]),
    ("training/epochs", "1e-3", ["training.epochs", "1.0e-3"]),
    ("training/trials", 2.5, ["training.trials", "2.5"]),
    ("training/trials", True, ["training.trials", "True"]),
    ("training/trials", 0, ["training.trials", "0"]),
    ("training/first_seed", -1, ["training.first_seed", "-1"]),
    ("training/deterministic", "yes", ["training.deterministic", "'yes'"]),
    ("machine", False, ["machine = False", "put it in quotes"]),
    ("devices", ["cpu", "cpu"], ["devices", '"cpu" twice']),
    ("dataset/validation", 0.0, ["dataset.validation = 0.0", "a number of images from 1, or a"]),
    ("dataset/validation", True, ["dataset.validation = True"]),
    ("dataset/validation", 1.0, ["dataset.validation = 1.0", "from 1, or a share"]),
    ("studies", ["first"], ["studies = ['first']", "keys with values, as in {a: 1}"]),
    ("dataset/mirrors", ["ftp://example.org"], ["dataset.mirrors.0", "https://"]),
    ("dataset/mirrors", [""], ["dataset.mirrors.0 = ''", "a folder"]),
    ("dataset", {"name": "sample", "path": "images.npz"}, ["dataset.path", "another dataset.name"]),
    ("dataset", {"name": "mine"}, ["dataset.name = 'mine'", "dataset.path"]),
    ("dataset", [], ["dataset = []", "at least 1"]),
    ("dataset", [{}, {"mirors": []}], ["dataset.1.mirors", "did you mean 'mirrors'"]),
    ("dataset", [{}, {"validation": 0}], ["dataset.1.validation = 0"]),
    ("dataset", [{}, {"name": "mine"}], ["dataset.1.name = 'mine'", "dataset.1.path"]),
    ("dataset", [{}, {}], ["dataset", "two have one name"]),
    ("dataset", [{}, {"name": 19 * "x", "path": "x"}], ["dataset.1.name", "18 characters at most"]),
    ("targets/mnist", [0.9, 0.9], ["targets.mnist", "0.9 twice"]),
    ("targets/mnist", [0.98, 0.1], ["targets.mnist = 0.1", "guessing"]),
    ("training/evaluate_every", 10**30, ["training.evaluate_every", "1000000000"]),
    ("training/first_seed", 2**31 - 1, ["training.first_seed", "2000000000"]),
    ("timing/min_seconds", 2.0, ["timing.min_seconds = 2.0", "above max_seconds"]),
    ("training/trials_at_most", 2, ["training.trials_at_most = 2", "below trials, 3"]),
    ("timing/threads", [1, 1], ["timing.threads", "1 twice"]),
    ("probing/batch_sizes", [8, 8], ["probing.batch_sizes", "8 twice"]),
    ("scale", "\ud83d", ["half a character"]),
    ("publish/remote", "\udcff", ["half a character"]),
    ("timing/threads", ["al"], ["timing.threads.0", "'al'", "'all'"]),
    ("timing/threads", [0], ["timing.threads.0", "0"]),
    ("timing/rounds", -1, ["timing.rounds", "-1"]),
    ("tuning", {"low": 1.0, "high": 0.1}, ["tuning", "not below"]),
    ("tuning/points", 1, ["tuning.points", "1"]),
    ("probing/batch_sizes", [0], ["probing.batch_sizes.0", "0"]),
    ("studies", {}, ["studies", "at least one"]),
    ("studies", {"first": None}, ["studies", "at least one"]),
    ("studies", {"missing": {}}, ["studies.missing", "no such study file"]),
    ("studies", {"a/b": {}}, ["studies"]),
    ("studies", {"first": {"file": "nowhere.yaml"}}, ["nowhere.yaml"]),
    ("studies", {"first": {"file": LONG}}, ["studies.first", "no such study file"]),
    ("studies", {"first": {"file": "a\0b"}}, ["studies.first", "no such study file"]),
    ("studies", {"..": {}}, ["studies", "'..'"]),
    ("studies", {"my study": {}}, ["studies", "'my study'", "1 to 40 small letters"]),
    ("studies", {"🦉": {}}, ["studies", "'🦉'"]),
    ("studies", {LONG: {}}, ["studies"]),
    ("studies", {1: {}}, ["studies", "1"]),
    ("studies/first", {"exclude": [{"model": DAY}]}, ["studies.first.exclude.0.model", "JSON"]),
]

# the same for a study file
STUDY_MISTAKES = [
    ("qestion", {}, ["qestion", "did you mean 'question'"]),
    ("question", "Which?", ["question", "'Which?'", "keys with values, as in {a: 1}"]),
    ("question", {"cn": "?"}, ["question.cn", "a language of the page: en, zh"]),
    ("grids", [], ["grids", "at least 1"]),
    ("grids", [{"batch_size": []}], ["grids[0].batch_size", "at least one value"]),
    ("grids", [{"batch_size": [32, 32]}], ["grids[0].batch_size", "32", "twice"]),
    ("grids", [{"batch_size": [1, "x"]}], ["grids[0]", "batch_size", "'x'"]),
    ("grids", [{"batch_size": [0]}], ["batch_size", "0"]),
    ("grids", [{"batch_size": [-1]}], ["batch_size", "-1"]),
    ("grids", [{"batch_size": [1e12]}], ["batch_size"]),
    ("grids", [{"batchsize": [1]}], ["grids[0]", "batchsize", "did you mean 'batch_size'"]),
    ("grids", [{"trials_at_most": 0}], ["grids[0]", "trials_at_most = 0", "equal to 1"]),
    ("grids", [{"trials_at_most": [8, 9]}], ["grids[0]", "trials_at_most = [8, 9]", "integer"]),
    ("grids", [{"precision": 0.001}], ["grids[0]", "precision = 0.001", "equal to 0.01"]),
    ("grids", [{"learning_rate": list(range(1, 1000)), "batch_size": list(range(1, 1000))}],
     ["grids[0]", "998001 variants"]),
    ("grids", [{"learning_rate": ["1e-3"]}],
     ["learning_rate = '1e-3': should be a valid number or should be 'tuned' or 'default'; YAML",
      "1.0e-3 or 1.0e+3"]),
    ("grids", [{"learning_rate": [-0.1]}], ["learning_rate", "-0.1"]),
    ("grids", [{"learning_rate": [0]}], ["learning_rate", "0"]),
    ("grids", [{"learning_rate": [float("inf")]}], ["learning_rate", "inf"]),
    ("grids", [{"learning_rate": [1e30]}], ["learning_rate = 1e+30", "equal to 1e+06"]),
    ("grids", [{"learning_rate": [1e5], "learning_rate_rule": "linear", "batch_size": 1000,
                "reference_batch_size": 10}], ["learning_rate = 1e+07"]),
    ("settings", {"change_every": 1.0, "rate_factor": 1e300}, ["rate_factor = 1e+300"]),
    ("settings", {"initializer_scale": 1e30}, ["initializer_scale = 1e+30"]),
    ("grids", [{"learning_rate_rule": "cubic", "batch_size": [1]}], ["'cubic'", "sqrt"]),
    ("grids", [{"learning_rate_rule": "sqrt", "batch_size": [1]}], ["reference_batch_size"]),
    ("settings", {"learning_rate_rule": ["sqrt"]}, ["learning_rate_rule = ['sqrt']", "linear"]),
    ("settings", {"learning_rate_rule": {"sqrt": 1}}, ["learning_rate_rule = {'sqrt': 1}"]),
    ("settings", {"learning_rate_rule": "sqrt", "reference_batch_size": 10**400},
     ["reference_batch_size", "from 0 to 1e+09"]),
    ("settings", {"learning_rate": 10**400}, ["learning_rate"]),
    ("settings", {"model_arguments": {"since": DAY}}, ["settings.model_arguments.since", "JSON"]),
    ("settings", {"model_arguments": {"x": b"\xff"}}, ["settings.model_arguments.x", "JSON"]),
    ("settings", {"model_arguments": {"x": [{"y": DAY}]}}, ["model_arguments.x.0.y", "JSON"]),
    ("settings", {"model_arguments": {"x": {1: 2}}}, ["model_arguments.x", "string"]),
    ("settings", {"optimizer_arguments": {"x": float("nan")}}, ["optimizer_arguments", "finite"]),
    ("settings", {"model": DAY}, ["settings.model", "JSON"]),
    ("grids", [{"batch_size": [10, DAY]}], ["grids.0.batch_size.1", "JSON"]),
    ("exclude", [{"model": b"\xff"}], ["exclude.0.model", "JSON"]),
    ("settings", {"optimizer": "Nonsense"}, ["'Nonsense'", "sgd, rmsprop", "Nadam"]),
    ("settings", {"optimizer_arguments": {"beta": 0.9}}, ["arguments.beta: sgd takes momentum"]),
    ("settings", {"optimizer": "adam", "optimizer_arguments": {"rho": 1, "epsilon": 1}},
     ["optimizer_arguments.rho: adam takes beta_1, beta_2, epsilon, amsgrad, learning_rate"]),
    ("settings", {"optimizer": "Muon", "optimizer_arguments": {"rho": 1}}, ["Muon takes adam_be"]),
    ("settings", {"optimizer": "rprop", "optimizer_arguments": {"rho": 1}}, ["rprop takes incr"]),
    ("settings", {"model_arguments": {"a": 1}}, ["model_arguments.a = 1: lenet5 takes none"]),
    ("settings", {"model": "mut1", "model_arguments": {"a": 1}}, ["mut1 takes none"]),
    ("settings", {"model": "dbn", "model_arguments": {"images": 9, "hiden": [9]}},
     ["model_arguments.hiden = [9]: dbn takes hidden, images."]),
    ("settings", {"optimizer": "Optimizer"}, ["'Optimizer'", "sgd, rmsprop"]),
    ("settings", {"initializer": "nonsense"}, ["'nonsense'", "glorot_uniform"]),
    ("settings", {"model": "a.b:c\n"}, ["a.b:c", "import path"]),
    ("settings", {"model": "a..b:c"}, ["'a..b:c'", "import path"]),
    ("settings", {"model": ".a:c"}, ["'.a:c'", "import path"]),
    ("settings", {"optimizer": "a.:c"}, ["'a.:c'", "import path"]),
    ("settings", {"model": f"{LONG}.b:c"}, ["model", "import path"]),
    ("settings", {"optimizer": "sdg"}, ["'sdg'", "sgd, rmsprop"]),
    ("settings", {"model": "lenet6"}, ["'lenet6'", "lenet5"]),
    ("settings", {"model": "os:system()"}, ["model", "import path"]),
    ("settings", {"normalization": "batchnorm"}, ["normalization", "'batchnorm'", "'batch'"]),
    ("settings", {"optimizer": "adam", "momentum": 0.9}, ["momentum", "adam has no momentum"]),
    ("settings", {"nesterov": True}, ["nesterov", "momentum above 0"]),
    ("settings", {"beta_2_half_life": 9.0}, ["beta_2_half_life = 9.0", "sgd has no beta_2"]),
    ("settings", {"batch_factor": 2}, ["batch_factor", "need a change_every"]),
    ("settings", {"change_every": 1.0}, ["change_every = 1.0", "set rate_factor or"]),
    ("settings", {"momentum": 1.0}, ["momentum", "1.0", "less than 1"]),
    ("settings", {"dropout": 1.0}, ["dropout", "less than 1"]),
    ("settings", {"l1": -1.0}, ["l1", "-1.0"]),
    ("settings", {"weight_decay": float("nan")}, ["weight_decay", "nan"]),
    ("settings", {"model": "mlp", "pooling": "max"}, ["pooling", "no pooling"]),
    ("settings", {"model": "lstm", "pooling": "max"}, ["the lstm has no pooling"]),
    ("settings", {"model": "gru", "normalization": "batch"}, ["normalization", "lenet5, lenet_t"]),
    ("settings", {"model": "dbn", "activation": "relu"}, ["activation", "the dbn has tanh"]),
    ("settings", {"model": "dbn", "normalization": "input"}, ["the dbn has", "pixels of 0 to 1"]),
    ("settings", {"train_size": 50}, ["batch_size = 100", "train_size 50"]),
    ("settings", {"wieght_decay": 0.1}, ["wieght_decay", "did you mean 'weight_decay'"]),
    ("baseline", {"batch_size": 7}, ["baseline", "matches 0 variants"]),
    ("published", {"batch_size": 7}, ["published", "matches no variant"]),
    ("published", {"batchsize": 7}, ["published", "did you mean 'batch_size'"]),
    ("baseline", {}, ["baseline", "matches 2 variants"]),
    ("baseline", {"batchsize": 7}, ["baseline", "did you mean 'batch_size'"]),
    ("exclude", [{}], ["exclude leaves no variant"]),
    ("probe", [{"batch_size": 3}], ["probe", "matches no variant"]),
    ("verify", [{"batchsize": 3}], ["verify", "did you mean 'batch_size'"]),
    ("epochs", "five", ["epochs", "'five'"]),
    ("trials", -3, ["trials", "-3"]),
    ("max_seconds", 0.1, ["min_seconds = 0.3", "above max_seconds, 0.1"]),
    ("tuning", {"low": 2.0}, ["tuning.low = 2.0", "not below tuning.high, 1.0"]),
    ("tuning", {"points": 1}, ["tuning.points = 1", "equal to 2"]),
    ("tuning", {"lo": 0.1}, ["tuning.lo", "did you mean 'low'"]),
    ("targets", {"sample": [0.05]}, ["targets.sample = 0.05", "guessing"]),
    ("evaluate_every", 10**30, ["evaluate_every", "1000000000"]),
    ("threads", ["none"], ["threads.0", "'none'"]),
]  # fmt: skip

# bytes of a YAML file, words the message must hold
YAML_MISTAKES = [
    (b"a: \xff\xfe", ["UTF-8"]),
    (b"a:\n\tb: 1\n", ["line 2", "tabs"]),
    (b"a: &x [1]\nb: *x\n", ["line 1", "anchors"]),
    (b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", ["anchors"]),
    (b"a: 1\na: 2\n", ["line 2", "'a'", "twice"]),
    (b"- 1\n- 2\n", ["keys and values", "list"]),
    (b"just text", ["keys and values", "str"]),
    (b"a: [1, 2\n", ["line 2"]),
    (b"a: !!python/object/apply:os.system [ls]\n", ["line 1", "python/object"]),
    (b"a: {b: [" * 3000, ["not valid YAML"]),
    (b"a: " + b"x" * 1_000_001, ["larger than"]),
    (b"? [1, 2]\n: 3\n", ["line 1"]),
    (b"", ["holds nothing", "{}"]),
    (b"# only a comment\n", ["holds nothing", "{}"]),
    (b"timing: {connect_timeout: 1:30}\n", ["line 1", "1:30 as 90"]),
    (b"a: 1:30.5\n", ["line 1", "1:30.5 as 90.5"]),
    (b"machine: 007\n", ["line 1", "007 as 7", "quotes"]),
    (b"a: 2026-99-99\n", ["not valid YAML"]),
    (b"__use_yte__: true\na: ?open('x', 'w')\n", ["__use_yte__ = True", "run code"]),
    (b"<<: {__use_yte__: 1}\n", ["__use_yte__ = 1"]),
]


def _check(error: pytest.ExceptionInfo[UserError], words: list[str]) -> None:
    message = str(error.value)
    assert all(word in message for word in words), message
    assert "pattern" not in message
    assert "\n" not in message
    assert len(message) < 500
    assert message.endswith(".")


@pytest.mark.parametrize(("path", "value", "words"), CONFIG_MISTAKES)
def test_config_mistake_is_named(
    plan_of: OpenPlan, path: str, value: Any, words: list[str]
) -> None:
    with pytest.raises(UserError) as error:
        plan_of(_set({**CONFIG, "timing": {"max_seconds": 1.0}}, path, value))
    _check(error, words)


def test_a_key_that_is_a_date_is_named(plan_of: OpenPlan) -> None:
    with pytest.raises(UserError) as error:
        plan_of({**CONFIG, DAY: 1})
    _check(error, ["top level = 2026-01-01: keys should be text; put them in quotes."])


@pytest.mark.parametrize(("path", "value", "words"), STUDY_MISTAKES)
def test_study_mistake_is_named(
    plan_of: OpenPlan, tmp_path: Path, path: str, value: Any, words: list[str]
) -> None:
    with pytest.raises(UserError) as error:
        plan_of(CONFIG, first=_set(STUDY, path, value))
    _check(error, ["first.yaml", *words])
    assert not (tmp_path / "handover").exists()


@pytest.mark.parametrize(("content", "words"), YAML_MISTAKES)
def test_yaml_mistake_is_named(tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_yaml(path)
    _check(error, ["study.yaml", *words])


PIECES = ["a", ":", " ", "\n", "- ", "[", "]", "{", "}", "&x", "*x", "!!binary", "? ", "|", "'",
          "<<", ",", "2026-01-01", "0x", "1e400", "\\ud800", '"', "#", "\t", "---\n"]  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60) | st.lists(st.sampled_from(PIECES)).map(lambda p: "".join(p).encode())
)
def test_any_bytes_are_a_mapping_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    with suppress(UserError):
        assert isinstance(read_yaml(path), dict)


def test_two_studies_may_not_share_an_id(plan_of: OpenPlan) -> None:
    base = {"question": {}, "baseline": {}}
    one, other = ({**base, "grids": [{"learning_rate": rate}]} for rate in COLLISION)
    with pytest.raises(UserError) as error:
        plan_of({**CONFIG, "studies": {"one": {}, "other": {}}}, one=one, other=other)
    _check(error, ["config: studies", "two settings have the id"])


@pytest.mark.parametrize(("of_theirs", "blamed"), [({"epochs": -1}, "theirs"), ({}, "ours")])
def test_message_names_the_last_file_that_sets_the_key(
    tmp_path: Path, of_theirs: dict[str, Any], blamed: str
) -> None:
    files = {"ours": _set(CONFIG, "training/epochs", -1), "theirs": {"training": of_theirs}}
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    paths = [str(tmp_path / f"{name}.yaml") for name in files]
    with pytest.raises(UserError, match=rf"/{blamed}\.yaml: training\.epochs = -1"):
        open_plan(files["ours"], paths, [tmp_path], tmp_path / "handover")


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ({"dataset": {"name": "mine", "mirrors": ["/mine"]}}, "targets: has no entry for .*'mine'"),
        ({"timing": {"max_seconds": 0.1}}, "timing.min_seconds = 0.3: is above max_seconds, 0.1"),
        ({"tuning": {"high": 0.001}}, "tuning.low = 0.01: is not below tuning.high, 0.001"),
    ],
)
def test_who_breaks_what_held_is_named(tmp_path: Path, theirs: dict[str, Any], words: str) -> None:
    ours: dict[str, Any] = {
        "timing": {"min_seconds": 0.3}, "tuning": {"low": 0.01}, "dataset": {"name": "mnist"},
    }  # fmt: skip
    files = {"ours": {**CONFIG, **ours}, "theirs": theirs}
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    merged = {**files["ours"], **{key: ours[key] | theirs.get(key, {}) for key in ours}}
    paths = [str(tmp_path / f"{name}.yaml") for name in files]
    with pytest.raises(UserError, match=rf"theirs\.yaml: {words}"):
        open_plan(merged, paths, [tmp_path], tmp_path / "handover")


def test_a_studys_file_is_not_blamed_alone_for_what_the_configuration_overrides(
    plan_of: OpenPlan,
) -> None:
    overrides = {"first": {"settings": {"dropout": 2.0}}}
    with pytest.raises(UserError) as error:
        plan_of({**CONFIG, "studies": overrides})
    _check(error, ["first.yaml with the configuration's studies.first: grids[0]: dropout = 2.0"])


def test_what_a_study_needs_cannot_be_taken_back(plan_of: OpenPlan) -> None:
    with pytest.raises(UserError, match=r"studies\.first: baseline is missing\.$"):
        plan_of({**CONFIG, "studies": {"first": {"baseline": None}}})


def test_gpu_without_one_is_refused_before_any_job(plan_of: OpenPlan) -> None:
    from batchmark.machine.cards import resolve_devices  # noqa: PLC0415

    assert resolve_devices("auto", ["cpu"]) == ["cpu"]
    assert resolve_devices("auto", ["cpu", "gpu"]) == ["cpu", "gpu"]
    with pytest.raises(UserError, match="no GPU"):
        resolve_devices(["gpu"], ["cpu"])


def test_the_command_line_is_named_and_its_numbers_are_numbers(
    plan_of: OpenPlan, tmp_path: Path
) -> None:
    """Snakemake reads `--config 'training={epochs: 3, trials: 1}'` as text inside of brackets."""
    given = {"training": {"epochs": "3", "trials": "1"}, "devices": ["cpu"]}
    file, handover = tmp_path / "config.yaml", tmp_path / "handover"
    plan_of()

    def opened(given: dict[str, Any]) -> Plan:
        folders = [tmp_path / "studies"]
        return open_plan(CONFIG | given, [str(file)], folders, handover, command_line=given)

    budget = opened(given).config.training
    assert (budget.epochs, budget.trials) == (3, 1)
    with pytest.raises(UserError, match=r"^--config: machine = 2024: .*; put it in quotes\.$"):
        opened({"machine": 2024})
    with pytest.raises(UserError, match=r"^--config: training\.epochs = -1: "):
        opened({"training": {"epochs": "-1"}})


def test_an_emoji_in_two_escapes_is_one_character(plan_of: OpenPlan) -> None:
    plan = plan_of({**CONFIG, "publish": {"remote": "\ud83d\ude00"}})
    assert plan.config.publish is not None
    assert plan.config.publish.remote == "\U0001f600"
    assert "\U0001f600" in Path(plan.publish_request()).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dev/null", ["dataset.path: /dev/null is a device, pipe or socket, not a file or"]),
        ("nowhere.npz", ["dataset.path", "no file or folder", "nowhere.npz"]),
        ("images", ["dataset.path", "lacks t10k-labels-idx1-ubyte", "it holds a.png"]),
    ],
)
def test_own_data_that_are_not_there_are_missed_before_any_job(
    plan_of: OpenPlan, tmp_path: Path, path: str, words: list[str]
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").touch()
    dataset = {"name": "mine", "path": str(tmp_path / path)}
    with pytest.raises(UserError) as error:
        plan_of({**CONFIG, "dataset": dataset, "targets": {"mine": [0.9]}})
    _check(error, words)


@pytest.mark.parametrize("kind", ["model", "optimizer"])
def test_a_function_that_is_not_there_is_missed_before_any_job(
    plan_of: OpenPlan, kind: str
) -> None:
    with pytest.raises(UserError, match=r"own_models defines no buildd; did you mean 'build'"):
        plan_of(CONFIG, first=_set(STUDY, f"settings/{kind}", "tests.training.own_models:buildd"))


def test_an_optimizer_of_pythons_own_modules_is_none(plan_of: OpenPlan) -> None:
    with pytest.raises(UserError, match="the module os is Python's own; name a file of your proj"):
        plan_of(CONFIG, first=_set(STUDY, "settings/optimizer", "os:system"))


def test_the_data_sets_missing_target_is_asked_for_in_one_line(plan_of: OpenPlan) -> None:
    config = {**CONFIG, "dataset": {"name": "mine", "path": "x.npz"}}
    with pytest.raises(UserError) as error:
        plan_of(config)
    _check(error, ["config.yaml: targets: has no entry for the dataset 'mine'", "mine: [0.9]"])
