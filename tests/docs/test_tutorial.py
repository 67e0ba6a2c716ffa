"""Every command and every file of docs/tutorial.md, in order, at the micro scale."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from snakemake.utils import update_config

from tests.workflow.checkout import MICRO, ROOT, Checkout

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _script(page: str) -> Iterator[str]:
    """The page as shell commands: a block that begins with a file's name is that file.

    Or, where there is one already, what must be in it.
    """
    for language, text in _BLOCK.findall(page):
        name, _, content = text.partition("\n")
        if language == "sh":
            yield text
        else:
            assert name.startswith("# "), f"which file is this? {name}"
            file = name[2:]
            use = f"if test -e {file}; then diff {file} -; else cat > {file}; fi"
            yield f"{use} <<'END-OF-FILE'\n{content}END-OF-FILE\n"


def _shrink(checkout: Checkout) -> None:
    """Make the micro scale this checkout's default, in the order in which the finished run had it.

    And look less long in a prediction, whose numbers are not asked for here.
    """
    file = checkout.folder / "config" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    update_config(config, yaml.safe_load(MICRO.read_text()))
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    checkout.edit("config/quick.yaml", "points: 5", "points: 2")
    checkout.edit("config/quick.yaml", "draws: 40", "draws: 4")
    checkout.edit("config/studies/quick.yaml", "min_seconds: 0.15", "min_seconds: 0.01")


def pretend_installed(checkout: Checkout) -> None:
    """Lend it the environment that the tests run in."""
    environment = checkout.folder / ".venv"
    environment.mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (environment / part).symlink_to(Path(sys.prefix) / part)
    for kind in ("run", "test"):
        (environment / f"installed-{kind}").touch()


def test_tutorial(finished: Checkout, tmp_path: Path) -> None:
    folder = tmp_path / "batchmark"
    shutil.copytree(finished.folder, folder, symlinks=True)
    checkout = Checkout(folder)
    _shrink(checkout)
    pretend_installed(checkout)
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(_script(page))],
        cwd=folder, env=checkout.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "reports" / "figures" / "own_study.nesterov.svg").is_file()
    report = tmp_path / "my-training" / "reports" / "index.html"
    assert "How many units" in report.read_text(encoding="utf-8")
    # After the first section and after taking a change back.
    assert (done.stdout + done.stderr).count("Nothing to be done") >= 2
