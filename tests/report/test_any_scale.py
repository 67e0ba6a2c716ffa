"""Whatever the configuration allows ends in a page: few rounds, trials, sizes and evaluations."""

import tempfile
from pathlib import Path

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from batchmark.collecting.tidy import collect
from batchmark.stages.analyze import analyze_tables
from batchmark.stages.collect import write_collection
from tests import synthetic
from tests.report.test_strange_names import page


# Not shrunk: an example draws a whole page.
@settings(max_examples=2, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(
    rounds=st.integers(0, 3),
    trials=st.integers(1, 2),
    epochs=st.sampled_from([0.01, 0.3, 2.0]),
    sizes=st.lists(st.sampled_from([1, 16, 50_000, 60_000]), min_size=1, max_size=3, unique=True),
    targets=st.lists(st.sampled_from([0.2, 0.9, 0.999]), min_size=1, unique=True),
)
@example(rounds=0, trials=2, epochs=2.0, sizes=[16, 50_000], targets=[0.9])
@example(rounds=1, trials=1, epochs=0.01, sizes=[16], targets=[0.9])
@example(rounds=1, trials=2, epochs=2.0, sizes=[16, 50_000], targets=[0.9, 0.2])
def test_the_smallest_scale_ends_in_a_page(
    rounds: int, trials: int, epochs: float, sizes: list[int], targets: list[float]
) -> None:
    study, variants = synthetic.study(
        "batch_size", synthetic.grid(batch_size=sizes), {"batch_size": sizes[0]},
        epochs=epochs, trials=trials,
    )  # fmt: skip
    asked = synthetic.example_request(trials=trials, epochs=epochs, studies=("batch_size",))
    request = asked.model_copy(
        update={
            "studies": [study],
            "variants": variants,
            "targets": {"mnist": targets},
            "probed": [variants[0].id],
        }
    )
    with tempfile.TemporaryDirectory() as name:
        folder, tables = Path(name), Path(name, "tables")
        truth = synthetic.Truth(rounds=max(rounds, 1), draws=2)
        synthetic.write_results(folder / "results", request, 0, truth=truth)
        timed = [study.name] if rounds else []
        collected = synthetic.collect_request(request).model_copy(update={"timed": timed})
        write_collection(collect(collected, folder / "results", folder, partial=False), tables)
        analyze_tables(request, tables)
        html = page(tables, "batch_size")
        assert "</html>" in html
        # Without a clock no cell has seconds, whatever was reached; with one, none lacks them.
        assert (">not timed</td>" in html) == (not rounds)
        assert rounds == 0 or "Nothing was timed" not in html
