"""Commands of docs/gallery.md that need no other machine, and none that another test runs."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Sequence

import yaml

from tests.docs.test_tutorial import pretend_installed
from tests.workflow.checkout import ROOT, Checkout


def _commands(title: str) -> Sequence[str]:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return "".join(blocks).splitlines()


def _run(checkout: Checkout, *commands: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=checkout.folder,
        env=checkout.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_two_runs_are_compared(checkout: Checkout) -> None:
    keep, again, compare, since = _commands("Other software, driver or governor: what changed?")
    assert again.startswith("make report ")
    pretend_installed(checkout)
    said = _run(checkout, keep, compare, "mkdir ../history", "cp -a ../before ../history/1", since)
    assert "3 runs are too few for changes that stayed" in said
    assert (checkout.folder / "reports/comparison.zh.html").is_file()
    assert "training graphs timed in both runs: 0 slower and 0 faster" in said
    found = json.loads((checkout.folder / "reports" / "comparison.json").read_text())
    assert found["timed"] > 0
    assert found["verdicts"] == found["environment"] == []


def test_other_data_are_one_file_or_one_key_away(fresh: Callable[[], Checkout]) -> None:
    checkout, commands = fresh(), _commands("Do the conclusions hold on other data?")
    requests = checkout.folder / ".snakemake/batchmark"
    for command, names in zip(
        commands, (["fashion_mnist", "mnist"], ["fashion_mnist"]), strict=True
    ):
        assert "rule download:" in _run(checkout, f"python -m {command} --dry-run")
        made = [*requests.glob("dataset-*.json")]
        assert sorted(json.loads(path.read_text())["name"] for path in made) == names
        shutil.rmtree(requests)


def test_the_citation_is_that_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^  (\w+) = \{+(.*?)\}+,$", page, re.MULTILINE))
    assert fields == {
        "title": cited["title"],
        "author": cited["authors"][0]["name"],
        "version": cited["version"],
        "year": cited["date-released"][:4],
    }
    assert cited["version"] == project["version"]
