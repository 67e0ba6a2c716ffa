"""A report that is not whole is never taken for one; its first is in test_kills.py."""

import shutil

from tests.workflow.checkout import Checkout
from tests.workflow.jobs import AFTER_COLLECT, figures
from tests.workflow.running import running, strike


def test_a_partial_page_leaves_the_report_alone_and_goes_when_it_is_made(
    checkout: Checkout,
) -> None:
    """Made on demand, and by a kill of the job that makes the report."""
    partial, page = (checkout.folder / "reports" / name for name in ("partial", "index.html"))
    assert checkout.snakemake("partial").returncode == 0
    assert (partial / "index.html").exists()
    assert checkout.planned() == set()
    shutil.rmtree(partial)
    page.unlink()
    with running(checkout) as snakemake:
        strike(snakemake, checkout.folder, "render")
        assert snakemake.wait() == 1
    assert (partial / "index.html").exists()
    assert not page.exists()
    assert checkout.jobs() == {"render"}
    assert page.exists()
    assert not partial.exists()


def test_a_deleted_result_is_made_again(checkout: Checkout) -> None:
    """One of each kind at once: what is not looked for would not be listed."""
    results, work = checkout.folder / "results/local/cpu", AFTER_COLLECT | figures(checkout)
    for kind, rule in {"runs": "train", "timings": "time", "gradients": "probe"}.items():
        lost = min((results / kind).glob("*.json"))
        lost.unlink()
        work = work | {f"{rule} {lost.stem}"}
    assert checkout.planned() == work
    publishing = checkout.snakemake("--dry-run", "publish")
    words = publishing.stdout + publishing.stderr
    assert all(f"rule {rule}:" in words for rule in ("train", "time", "probe"))


def test_a_prediction_asks_for_its_results_too(checkout: Checkout) -> None:
    for name in ("quick.json", "quick.html", "quick.zh.html"):
        (checkout.folder / "reports" / name).touch()
    assert checkout.jobs("quick", "--dry-run") == set()
    (lost,) = (checkout.folder / "results/local/cpu/gradients").glob("*.json")
    lost.unlink()
    assert checkout.jobs("quick", "--dry-run") == {f"probe {lost.stem}", "predict", "quick"}
