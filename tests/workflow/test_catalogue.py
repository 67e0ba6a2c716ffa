"""`workflow/Snakefile`, where catalogues and snakedeploy look, is the workflow at the top."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.workflow.checkout import MICRO, ROOT, Checkout, copy_project

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

# As snakedeploy 0.17 does of a folder, whose path it drops.
DEPLOYED_FROM_A_FOLDER = DEPLOYED.replace(
    'github("somebody/batchmark", path="workflow/Snakefile", tag="v1")', '"workflow/Snakefile"'
)


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


def test_from_a_folder_it_runs_after_the_line_of_the_gallery(
    fresh: Callable[[], Checkout], tmp_path: Path
) -> None:
    fresh().folder.rename(tmp_path / "batchmark")
    deployed = Deployed(tmp_path / "my-benchmark", tmp_path)
    for name in ("config", "profiles"):
        shutil.copytree(tmp_path / "batchmark" / name, deployed.folder / name)
    (deployed.folder / "workflow").mkdir()
    (deployed.folder / "workflow" / "Snakefile").write_text(DEPLOYED_FROM_A_FOLDER)
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("sed -i")]
    subprocess.run(["bash", "-euc", line], cwd=tmp_path, check=True)
    assert "render" in deployed.planned()
