"""A secret in everything that a user can set, and a search through everything that is written."""

import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import yaml

from tests.publishing.repositories import git
from tests.workflow.checkout import MICRO, Checkout

SECRET = "s3cr3t"  # noqa: S105
# Snakemake's own log names the user; nothing that is published does.
USER = "us3r-n4me"
# Settings that a user keeps on the machine on purpose.
OWN = {"own", ".git", "config", "src", "workflow", "requirements", ".venv"}
ENVIRONMENT = {
    "HTTPS_PROXY": f"http://joe:{SECRET}@localhost:1",
    "XLA_FLAGS": f"--xla_dump_to=/tmp/{SECRET}",
    "REQUESTS_CA_BUNDLE": f"/home/{SECRET}/ca.pem",
    "MATPLOTLIBRC": f"/home/{SECRET}/matplotlibrc",
    "TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory=/home/{SECRET}",
    "CUDA_VISIBLE_DEVICES": f"GPU-{SECRET}",
    "PIP_INDEX_URL": f"https://joe:{SECRET}@localhost:1/simple",
    **dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"), SECRET),
    **dict.fromkeys(("LOGNAME", "USER"), USER),
    "GIT_AUTHOR_NAME": "Joe",
}


# An own model that can be trained and not timed, and that tells where it lives.
MODEL = f"""
import sys
import keras

def build(image_shape, classes):
    if "measure" in sys.argv[0]:
        raise RuntimeError("the password is {SECRET}")
    return keras.Sequential([keras.Input(image_shape), keras.layers.Flatten(),
                             keras.layers.Dense(classes)])
"""
# For the user alone: the words of the own model.
LOG = "logs/time/cpu/batch_size.log"


def configure(checkout: Checkout, remote: Path) -> Path:
    """The micro configuration with mirrors that do not serve, and secrets in every key we hide."""
    config = yaml.safe_load(MICRO.read_text())
    config["dataset"]["mirrors"] = [
        f"https://joe:{SECRET}@localhost:1/mnist?key={SECRET}",
        "/nowhere/mnist",
    ]
    config["publish"] = {"remote": f"file://joe:{SECRET}@localhost{remote}", "branch": "gh-pages"}
    study = checkout.folder / f"own/{SECRET}.yaml"
    study.parent.mkdir()
    study.write_text((checkout.folder / "config/studies/batch_size.yaml").read_text())
    (study.parent / "model.py").write_text(MODEL)
    config["studies"]["batch_size"]["grids"].append({"model": "own.model:build", "batch_size": 20})
    config["studies"] = {**config["studies"], "optimizer": None}
    config["studies"]["batch_size"]["file"] = str(study)
    path = checkout.folder.parent / "overlay.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def readable(path: Path) -> Iterator[str]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name).decode() for name in archive.namelist())
    else:
        yield unquote(path.read_bytes().decode("utf-8", "replace"))


def holders(folder: Path, secret: str = SECRET) -> list[str]:
    """Files below `folder`, apart from the user's own, that hold the secret."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in OWN
        if any(secret in text for text in [path.name, *readable(path)])
    ]


def test_nothing_that_is_written_holds_a_secret(
    fresh: Callable[[], Checkout], tmp_path: Path
) -> None:
    checkout = fresh()
    git(checkout.folder, "init", "--quiet", "--initial-branch=main")
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    config = configure(checkout, remote)
    done = subprocess.run(
        [*checkout.command()[:3], "--configfile", str(config), "--cores", "2", "--printshellcmds",
         "--", "publish"],
        cwd=checkout.folder, env=checkout.environment() | ENVIRONMENT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pushed to gh-pages" in (checkout.folder / "logs/publish.log").read_text()
    assert SECRET not in done.stdout.replace(str(config), "") + done.stderr.replace(str(config), "")
    git(tmp_path, "clone", "--quiet", "--branch=gh-pages", str(remote), "pushed")
    assert holders(tmp_path / "pushed") == holders(tmp_path / "pushed", USER) == []
    # The requests with addresses are for this user alone.
    requests = checkout.folder / ".snakemake/batchmark"
    assert requests.stat().st_mode & 0o077 == 0
    private = [str(path.relative_to(checkout.folder)) for path in requests.iterdir()]
    assert "RuntimeError: the password is" in (checkout.folder / LOG).read_text()
    assert [name for name in holders(checkout.folder) if name not in (*private, LOG)] == []
