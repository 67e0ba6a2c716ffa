"""Build the site of the report and, with a remote, add it to a branch and push that."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from batchmark.contract.errors import without_passwords
from batchmark.contract.requests.message import read_request
from batchmark.contract.requests.publish import PublishRequest
from batchmark.publishing.branch import extract, open_branch, push, replace_own
from batchmark.publishing.site import (
    ARCHIVE,
    OWN_NAMES,
    add_reports,
    build_site,
    refuse_traces,
    write_listing,
)
from batchmark.publishing.summary import Summary, refuse_other_results, this_identity
from batchmark.stages.command import run


def main() -> None:
    """Parse the command line, build the site, put it in place, publish it."""
    parser = argparse.ArgumentParser(prog="publish", description=__doc__)
    parser.add_argument("--reports", type=Path, required=True, help="folder of the rendered report")
    parser.add_argument("--results", type=Path, required=True, help="folder of the results")
    parser.add_argument("--site", type=Path, required=True, help="folder the site replaces")
    parser.add_argument("--request", default="", metavar="FILE", help="a PublishRequest as JSON")
    parser.add_argument("--remote", help="git remote, name or address; without it nothing is sent")
    parser.add_argument("--branch", default="gh-pages", help="its branch [%(default)s]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="batchmark-site-") as folder:
        refuse_other_results(arguments.reports / "index.html", arguments.results)
        site = Path(folder) / "site"
        site.mkdir()
        summary = build_site(site, arguments.reports, arguments.results)
        add_reports(site, arguments.reports / "archive")
        refuse_traces(site, this_identity())
        # This report is kept beside those published from here before.
        shutil.copytree(site / ARCHIVE, arguments.reports / "archive", dirs_exist_ok=True)
        write_listing(site)
        # Before pushing, which may fail for want of a network: the site is there all the same.
        _replace(arguments.site, site)
        if target := _target(arguments):
            _publish(site, summary, target)
            _replace(arguments.site, site)


def _target(arguments: argparse.Namespace) -> PublishRequest | None:
    """Where the site goes. An address with a password comes in a file, not on a command line."""
    if arguments.request:
        return read_request(Path(arguments.request), PublishRequest)
    if arguments.remote:
        return PublishRequest(remote=arguments.remote, branch=arguments.branch)
    return None


def _publish(site: Path, summary: Summary, target: PublishRequest) -> None:
    message = f"Report of {summary.date} ({', '.join(summary.machines)})"
    with (
        open_branch(Path.cwd(), target.remote, target.branch) as published,
        tempfile.TemporaryDirectory(prefix="batchmark-tree-") as folder,
    ):
        tree = Path(folder)
        extract(published, tree)
        add_reports(site, tree / ARCHIVE)
        write_listing(site)
        replace_own(tree, site, OWN_NAMES)
        sent = push(published, tree, message)
    done = "pushed to" if sent else "already on"
    where = f"{target.branch} of {without_passwords(target.remote)}"
    print(f"publish: {message}: {done} {where}", file=sys.stderr, flush=True)


def _replace(target: Path, site: Path) -> None:
    # What an earlier site had and this one lacks must not stay.
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(site, target)


if __name__ == "__main__":
    run(main)
