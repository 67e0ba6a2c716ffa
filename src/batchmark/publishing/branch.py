"""The branch of a git remote that holds the site.

ghp-import makes the commit, in a scratch repository that shares the object store of the user's:
left alone it would reset a local branch of that name, commit when nothing changed, and print
git's errors as tracebacks. The user's work tree, index, HEAD and branches are not touched.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batchmark.contract.errors import UserError

# A site has a few megabytes; a network may hang for ever.
_SECONDS = 300
# Not "ext", which would run any command that a config names.
_PROTOCOLS = "file:git:http:https:ssh"
# Set inside a hook, they would have git work on the repository that runs it.
_FOREIGN_VARIABLES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"}


@dataclass(frozen=True)
class Branch:
    """A branch of a remote as fetched: `commit` is its tip, or empty when it does not exist yet."""

    repository: Path
    scratch: Path
    remote: str
    name: str
    commit: str


@contextmanager
def open_branch(repository: Path, remote: str, name: str) -> Iterator[Branch]:
    """Fetch the branch; raises UserError when the remote cannot be read or the name is unfit."""
    _check_names(repository, remote, name)
    with tempfile.TemporaryDirectory(prefix="batchmark-publish-") as folder:
        scratch = Path(folder) / "scratch.git"
        _git(Path(folder), "init", "--quiet", "--bare", str(scratch))
        tip = _git(repository, "ls-remote", "--", remote, f"refs/heads/{name}").split()
        commit = tip[0] if tip else ""
        branch = Branch(repository, scratch, remote, name, commit)
        if commit:
            _git(
                repository, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=",
                "--", remote, f"refs/heads/{name}",
            )  # fmt: skip
            _in_scratch(branch, "update-ref", f"refs/heads/{name}", commit)
        yield branch


def extract(branch: Branch, folder: Path) -> None:
    """Write the files of the branch into `folder`; links and special files are left out."""
    if not branch.commit:
        return
    packed = _git_bytes(branch.scratch, _objects(branch), "archive", "--format=tar", branch.commit)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                _write(folder, member.name, content.read())


def replace_own(tree: Path, site: Path, own_names: tuple[str, ...]) -> None:
    """Put the site in place of the earlier one in `tree`; files of others (CNAME …) stay.

    `own_names`: patterns of what an earlier site may hold.
    """
    for path in [path for name in own_names for path in tree.glob(name)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    shutil.copytree(site, tree, dirs_exist_ok=True)


def push(branch: Branch, tree: Path, message: str) -> bool:
    """Commit `tree` on top of the branch and push it; False when the branch holds it already.

    Never forced. Raises UserError with git's reason when the push is refused; the remote is then
    as before.
    """
    command = [sys.executable, "-m", "ghp_import", "--no-jekyll", "-b", branch.name, "-m", message]
    _run([*command, str(tree)], branch.scratch, _objects(branch))
    commit = _in_scratch(branch, "rev-parse", f"refs/heads/{branch.name}").strip()
    if branch.commit and _tree_of(branch, commit) == _tree_of(branch, branch.commit):
        return False
    target = f"{commit}:refs/heads/{branch.name}"
    _git(branch.repository, "push", "--quiet", "--", branch.remote, target)
    return True


def _check_names(repository: Path, remote: str, name: str) -> None:
    if not remote or remote.startswith("-"):
        raise UserError(f"publish.remote: {remote!r} is not the name or address of a git remote.")
    try:
        _git(repository, "check-ref-format", f"refs/heads/{name}")
    except UserError as error:
        raise UserError(f"publish.branch: {name!r} is not a name git allows.") from error
    if name.startswith("-"):
        raise UserError(f"publish.branch: {name!r} is not a name git allows.")
    current = _git(repository, "symbolic-ref", "--quiet", "--short", "HEAD", allowed=(0, 1))
    if name == current.strip():
        raise UserError(
            f"publish.branch: {name!r} is the branch checked out here; choose one that holds "
            "nothing but the site, such as gh-pages."
        )


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write one file of the branch, which others may have filled, inside `folder` only.

    ghp-import hands names to git as they are, so one with a quote or a line break would be read
    as something else.
    """
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    if not inside or name.startswith('"') or not name.isprintable():
        raise UserError(f"Nothing was published: the branch holds {name!r}; rename that file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _tree_of(branch: Branch, commit: str) -> str:
    return _in_scratch(branch, "rev-parse", f"{commit}^{{tree}}")


def _objects(branch: Branch) -> dict[str, str]:
    """Makes the scratch repository read and write the user's object store."""
    path = _git(branch.repository, "rev-parse", "--git-path", "objects").strip()
    return {"GIT_OBJECT_DIRECTORY": str((branch.repository / path).resolve())}


def _in_scratch(branch: Branch, *arguments: str) -> str:
    return _git_bytes(branch.scratch, _objects(branch), *arguments).decode("utf-8", "replace")


def _git(folder: Path, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
    done = _run(["git", *arguments], folder, {}, allowed)
    return done.decode("utf-8", "replace")


def _git_bytes(folder: Path, variables: dict[str, str], *arguments: str) -> bytes:
    return _run(["git", *arguments], folder, variables)


def _run(
    command: list[str], folder: Path, variables: dict[str, str], allowed: tuple[int, ...] = (0,)
) -> bytes:
    """Standard output of a command that asks nothing; UserError with its last line of error."""
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN_VARIABLES}
    settings = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=kept | settings | variables, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UserError("Publishing needs git, which is not installed here.") from error
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"Nothing was published: git {command[1]} did not end in {_SECONDS} s."
        ) from error
    if done.returncode not in allowed:
        raise UserError(f"Nothing was published: git {command[1]} failed: {_reason(done.stderr)}.")
    return done.stdout


def _reason(stderr: bytes) -> str:
    """What git says, in one line, without its hints."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    telling = [line for line in lines if line and not line.startswith(("hint:", "To "))]
    return "; ".join(telling)[-400:].rstrip(".") or "no reason given"
