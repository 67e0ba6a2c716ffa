"""Git repositories on disk for tests, untouched by the settings of whoever runs them."""

import os
import subprocess
from pathlib import Path

import pytest


def isolate(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Hide the user's git settings; identity as on a fresh machine that has a name set."""
    for variable in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(variable)
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


def make(folder: Path) -> Path:
    """A repository with one commit on `main`, and a bare remote `origin` beside it."""
    bare = folder / "remote.git"
    work = folder / "work"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(folder, "init", "--quiet", "--initial-branch=main", str(work))
    git(work, "config", "user.name", "Tester")
    git(work, "config", "user.email", "tester@example.org")
    git(work, "remote", "add", "origin", str(bare))
    (work / "code.py").write_text("1\n")
    git(work, "add", "code.py")
    git(work, "commit", "--quiet", "-m", "Start")
    git(work, "push", "--quiet", "origin", "main")
    return work


def files(bare: Path, branch: str) -> list[str]:
    return git(bare, "ls-tree", "-r", "--name-only", branch).splitlines()


def state(work: Path) -> dict[str, str]:
    """What publishing must leave as it is."""
    return {
        "status": git(work, "status", "--porcelain"),
        "head": git(work, "symbolic-ref", "HEAD") + git(work, "rev-parse", "HEAD"),
        "branches": git(work, "for-each-ref", "refs/heads"),
        "index": git(work, "ls-files", "--stage"),
        "config": (work / ".git/config").read_text(),
        "files": str(sorted(path.name for path in work.iterdir())),
    }
