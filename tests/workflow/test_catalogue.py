"""`workflow/Snakefile`, where catalogues and snakedeploy look, is the workflow at the top."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.workflow.checkout import MICRO, Checkout, copy_project

# As snakedeploy writes it.
DEPLOYED = """\
configfile: "config/config.yaml"


module batchmark:
    snakefile:
        github("somebody/batchmark", path="workflow/Snakefile", tag="v1")
    config:
        config


use rule * from batchmark
"""


@dataclass(frozen=True)
class Deployed(Checkout):
    """A folder with a configuration and `DEPLOYED`; a folder of repositories is its GitHub."""

    github: Path

    def environment(self) -> dict[str, str]:
        """Nothing on the path, for nothing is installed, and no cache of the user's."""
        return super().environment() | {
            "PYTHONPATH": "",
            "XDG_CACHE_HOME": str(self.folder / ".cache"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{self.github}/.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://github.com/",
        }


def published(folder: Path) -> None:
    """A repository with the tag v1."""
    copy_project(folder)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"], ["tag", "v1"]):
        subprocess.run([*git, *command], check=True)


def test_it_is_found_both_ways(fresh: Callable[[], Checkout]) -> None:
    checkout = fresh()
    planned = checkout.planned()
    assert "render" in planned
    assert checkout.jobs("--snakefile", "workflow/Snakefile", "--dry-run") == planned


def test_a_deployed_workflow_runs_the_code_of_its_repository(tmp_path: Path) -> None:
    published(tmp_path / "hub" / "somebody" / "batchmark")
    deployed = Deployed(tmp_path / "deployed", tmp_path / "hub")
    for name in ("config", "profiles"):
        shutil.copytree(tmp_path / "hub/somebody/batchmark" / name, deployed.folder / name)
    (deployed.folder / "workflow").mkdir()
    (deployed.folder / "workflow" / "Snakefile").write_text(DEPLOYED)
    done = deployed.jobs("data/mnist.npz", config=MICRO)
    assert done == {"download"}
    (source,) = (deployed.folder / ".snakemake/batchmark/source").iterdir()
    assert (source / "src/batchmark/stages/download.py").is_file()
    assert "render" in deployed.planned()
