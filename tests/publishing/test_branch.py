"""Publishing to a real bare repository: nothing rewritten, nothing touched, nothing lost."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from batchmark.contract.errors import UserError
from batchmark.publishing.branch import extract, open_branch, push, replace_own
from tests.publishing import repositories
from tests.publishing.repositories import git

BRANCH = "gh-pages"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repositories.isolate(monkeypatch, tmp_path / "home")
    return repositories.make(tmp_path)


@pytest.fixture
def bare(work: Path) -> Path:
    return work.parent / "remote.git"


def _tree(folder: Path, **content: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in content.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def _push(work: Path, tree: Path, remote: str = "origin") -> bool:
    with open_branch(work, remote, BRANCH) as branch:
        return push(branch, tree, "Report")


def test_a_new_branch_is_made_and_the_repository_is_left_alone(work: Path, bare: Path) -> None:
    (work / "code.py").write_text("changed, not committed\n")
    git(work, "branch", BRANCH)
    before = repositories.state(work)
    assert _push(work, _tree(work.parent / "tree", index_html="one"))
    assert repositories.state(work) == before
    assert repositories.files(bare, BRANCH) == [".nojekyll", "index.html"]
    assert git(bare, "rev-list", "--count", BRANCH).strip() == "1"
    git(work, "fsck", "--connectivity-only")


def test_the_history_grows_and_is_never_rewritten(work: Path, bare: Path) -> None:
    _push(work, _tree(work.parent / "tree", index_html="one"))
    first = git(bare, "rev-parse", BRANCH).strip()
    assert _push(work, _tree(work.parent / "tree", index_html="two"))
    assert git(bare, "rev-parse", f"{BRANCH}~").strip() == first
    assert git(bare, "show", f"{BRANCH}:index.html") == "two"


def test_nothing_new_pushes_nothing(work: Path, bare: Path) -> None:
    tree = _tree(work.parent / "tree", index_html="one")
    assert _push(work, tree)
    tip = git(bare, "rev-parse", BRANCH)
    assert not _push(work, tree)
    assert git(bare, "rev-parse", BRANCH) == tip


def test_another_clone_adds_to_what_is_there(work: Path, bare: Path) -> None:
    _push(work, _tree(work.parent / "tree", index_html="one"))
    other = work.parent / "other"
    git(work.parent, "clone", "--quiet", str(bare), str(other))
    assert _push(other, _tree(work.parent / "tree", index_html="two"))
    assert _push(work, _tree(work.parent / "tree", index_html="three"), str(bare))
    assert git(bare, "rev-list", "--count", BRANCH).strip() == "3"


def test_a_machine_without_a_git_identity_can_publish(work: Path, bare: Path) -> None:
    git(work, "config", "--unset", "user.name")
    git(work, "config", "--unset", "user.email")
    assert _push(work, _tree(work.parent / "tree", index_html="one"))
    assert "work" not in git(bare, "log", "--format=%an %cn", BRANCH)


def test_files_of_the_branch_come_out_and_foreign_ones_stay(work: Path, bare: Path) -> None:
    tree = _tree(work.parent / "tree", index_html="one", CNAME="example.org")
    _push(work, tree)
    with open_branch(work, "origin", BRANCH) as branch:
        extracted = work.parent / "extracted"
        extract(branch, extracted)
        replace_own(extracted, _tree(work.parent / "site", new_html="2"), ("index*.html", "tables"))
        assert sorted(path.name for path in extracted.iterdir()) == [
            ".nojekyll",
            "CNAME",
            "new.html",
        ]


def test_links_in_the_branch_lead_nowhere(work: Path) -> None:
    tree = work.parent / "tree"
    tree.mkdir()
    git(work.parent, "init", "--quiet", "--initial-branch=gh-pages", str(tree))
    (tree / "passwd").symlink_to("/etc/passwd")
    (tree / "index.html").write_text("one")
    git(tree, "add", ".")
    git(tree, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "x")
    git(tree, "push", "--quiet", str(work.parent / "remote.git"), BRANCH)
    with open_branch(work, "origin", BRANCH) as branch:
        extract(branch, work.parent / "extracted")
    assert [path.name for path in (work.parent / "extracted").iterdir()] == ["index.html"]


@pytest.mark.parametrize("name", ['"quoted', "two\nlines"])
def test_names_that_git_would_misread_are_refused(work: Path, name: str) -> None:
    with open_branch(work, "origin", BRANCH) as branch:
        blob = git(work, "hash-object", "-w", "code.py").strip()
        tree = subprocess.run(
            ["git", "mktree", "-z"], cwd=work, input=f"100644 blob {blob}\t{name}\0".encode(),
            check=True, capture_output=True,
        ).stdout.decode().strip()  # fmt: skip
        identity = ["-c", "user.name=x", "-c", "user.email=x"]
        commit = git(work, *identity, "commit-tree", tree, "-m", "x").strip()
        with pytest.raises(UserError, match="rename that file"):
            extract(replace(branch, commit=commit), work.parent / "extracted")


def test_an_unreachable_remote_is_a_clear_error(work: Path) -> None:
    with pytest.raises(UserError, match=r"Nothing was published: git ls-remote failed: .*nowhere"):
        _push(work, _tree(work.parent / "tree"), str(work.parent / "nowhere.git"))


def test_a_refused_push_is_a_clear_error_and_loses_nothing(work: Path, bare: Path) -> None:
    tree = _tree(work.parent / "tree", index_html="one")
    _push(work, tree)
    hook = bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho closed for today >&2\nexit 1\n")
    hook.chmod(0o755)
    before, tip = repositories.state(work), git(bare, "rev-parse", BRANCH)
    with pytest.raises(UserError, match=r"git push failed: .*closed for today"):
        _push(work, _tree(tree, index_html="two"))
    assert git(bare, "rev-parse", BRANCH) == tip
    assert repositories.state(work) == before
    hook.unlink()
    assert _push(work, tree)


def test_a_push_that_came_too_late_is_refused_not_forced(work: Path, bare: Path) -> None:
    _push(work, _tree(work.parent / "tree", index_html="one"))
    with open_branch(work, "origin", BRANCH) as branch:
        _push(work, _tree(work.parent / "quicker", index_html="two"))
        with pytest.raises(UserError, match=r"git push failed: .*rejected"):
            push(branch, _tree(work.parent / "tree", index_html="three"), "Late")
    assert git(bare, "show", f"{BRANCH}:index.html") == "two"


@pytest.mark.parametrize("name", ["", "a b", "a..b", "-f", "x.lock", "a~1"])
def test_unfit_branch_names_are_refused(work: Path, name: str) -> None:
    with (
        pytest.raises(UserError, match=r"publish\.branch: .* is not a name git allows"),
        open_branch(work, "origin", name),
    ):
        pass


def test_the_current_branch_is_refused(work: Path) -> None:
    with (
        pytest.raises(UserError, match="'main' is the branch checked out here"),
        open_branch(work, "origin", "main"),
    ):
        pass


@pytest.mark.parametrize("remote", ["", "--upload-pack=touch sprung"])
def test_unfit_remotes_are_refused(work: Path, remote: str) -> None:
    with pytest.raises(UserError, match=r"publish\.remote"), open_branch(work, remote, BRANCH):
        pass


def test_a_remote_cannot_run_commands(work: Path) -> None:
    remote = f"ext::touch {work / 'sprung'}"
    with pytest.raises(UserError, match="not allowed"), open_branch(work, remote, BRANCH):
        pass
    assert not (work / "sprung").exists()


def test_outside_of_a_repository_git_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repositories.isolate(monkeypatch, tmp_path / "home")
    with (
        pytest.raises(UserError, match="not a git repository"),
        open_branch(tmp_path, "origin", BRANCH),
    ):
        pass
