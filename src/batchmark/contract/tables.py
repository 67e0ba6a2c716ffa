"""Every table of `results/tables/`: who writes it, its columns and their types, one reader.

What a row is and what a column means stands in `glossary`, whose words make nothing run again.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from batchmark.contract.errors import UserError
from batchmark.contract.files import digest_of, replacing
from batchmark.contract.hyperparameters import AXES

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "flag", "number"]

# Batch sizes that people take unasked: what they cost over the best has columns and a sentence.
COMMON_SIZES = (32, 128, 1000)


def _columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


# The hyperparameters; arguments, which are long, behind the others.
_ARGUMENTS = ("model_arguments", "optimizer_arguments")
_SETTINGS = (*(axis for axis in AXES if axis not in _ARGUMENTS), *_ARGUMENTS)
# What most readers of the summary look for.
_FIRST = _columns(
    """
    machine device variant study model optimizer learning_rate momentum nesterov weight_decay l1 l2
    normalization batch_size train_size trials reached epochs_to_target epochs_to_target_low
    epochs_to_target_high seconds_per_epoch seconds_per_epoch_low seconds_per_epoch_high
    relative_epoch_time time_to_target time_to_target_low time_to_target_high
    relative_time_to_target best_validation_error best_epoch best_test_error final_test_error
    peak_memory_bytes status
    """
)

COLLECTED: dict[str, tuple[str, ...]] = {
    "epochs": _columns(
        """
        machine device variant seed examples steps epoch loss accuracy loss_spread validation_loss
        validation_accuracy
        """
    ),
    "variants": (
        *_columns("machine device variant studies"),
        *_SETTINGS,
        *_columns(
            """
            tuned tuning_epochs full_batch full_train epochs evaluate_every steps_per_epoch
            examples_per_epoch parameters trials dataset dataset_digest validation_size test_size
            scored_train_size
            """
        ),
    ),
    "trials": _columns(
        """
        machine device variant seed status learning_rate train_size steps_per_epoch parameters
        epochs best_epoch test_accuracy_at_best final_test_accuracy final_train_accuracy
        small_weight_share gradient_norms message targets
        """
    ),
    "timings": _columns(
        """
        machine device study subject role threads batch_size round order process repeated
        start_seconds steps seconds taken_seconds seconds_per_step steps_per_epoch
        seconds_per_epoch ratio_to_baseline
        """
    ),
    "subjects": _columns(
        """
        machine device study subject threads role loop batch_size steps_per_epoch
        examples_per_epoch steps_per_execution trace_seconds compile_seconds first_step_seconds
        flops_per_step peak_memory_bytes peak_flops_per_second variants message
        """
    ),
    "lone_runs": _columns(
        """
        machine device study variant seed target epochs seconds reached message
        """
    ),
    "draws": _columns(
        """
        machine device variant seed moment epoch full_size full_squared_norm batch_size draw
        cosine squared_norm successive_cosine
        """
    ),
    "layer_norms": _columns(
        """
        machine device variant seed moment epoch full_size full_squared_norm layer depth norm
        """
    ),
    "magnitudes": _columns(
        """
        machine device variant seed moment epoch full_size full_squared_norm quantile magnitude
        """
    ),
    "step_parts": _columns(
        """
        machine device study variant threads batch_size steps seconds_per_step
        traced_seconds_per_step part layer products seconds share
        """
    ),
    "warnings": _columns(
        """
        machine device study code subject text
        """
    ),
    "failures": _columns(
        """
        machine device kind variant studies reason log
        """
    ),
    "results": _columns(
        """
        file digest
        """
    ),
}

# Of a summary's columns those that the table of the original study is made of.
REFERENCE = _columns(
    """
    machine device variant model learning_rate batch_size epochs steps_per_epoch trials reached
    target epochs_to_target epochs_to_target_low epochs_to_target_high seconds_per_epoch
    time_to_target best_validation_error best_epoch best_test_error final_test_error status
    """
)

ANALYZED: dict[str, tuple[str, ...]] = {
    "summary": (
        *_FIRST,
        *(axis for axis in _SETTINGS if axis not in _FIRST),
        *_columns(
            """
            tuned tuning_epochs full_batch full_train epochs evaluate_every steps_per_epoch
            examples_per_epoch parameters dataset dataset_digest validation_size test_size
            scored_train_size target reached_low reached_high epochs_to_target_unbounded
            final_train_error generalization_gap small_weight_share loss_spread statuses timed_in
            subject threads examples_per_second flops_per_second share_of_peak
            time_to_target_unbounded relative_epoch_time_base relative_time_to_target_base missing
            """
        ),
    ),
    "claims": _columns(
        """
        machine device id verdict policy effect low high margin n p p_fdr detectable changed digest
        reference fields
        """
    ),
    "sensitivity": _columns(
        """
        machine device study target variant batch_size reached trials epochs_to_target
        epochs_to_target_low epochs_to_target_high epochs_to_target_unbounded time_to_target
        time_to_target_low time_to_target_high time_to_target_unbounded relative_time_to_target
        fastest epochs_confirmed fastest_confirmed epochs_mean_curve fastest_mean_curve
        """
    ),
    "comparisons": _columns(
        """
        machine device study variant family baseline target metric kind estimate low high
        high_unbounded p p_holm pairs censored both_missed distinguishable
        """
    ),
    "best_batches": _columns(
        """
        machine device study target family rule learning_rate best_batch_size
        best_batch_size_low best_batch_size_high tied_batch_sizes batch_sizes p_fastest
        detectable_ratio sizes on_border seconds holds
        """
    ),
    "choices": _columns(
        """
        machine device study target family optimizer momentum nesterov normalization rule
        learning_rate train_size threads loop variant batch_sizes best_batch_size
        best_batch_size_low best_batch_size_high tied_batch_sizes seconds seconds_low seconds_high
        seconds_unbounded
        """
    ),
    "cost_model": _columns(
        """
        machine device study target family fitted_sizes excluded_sizes e_min e_min_low e_min_high
        e_min_unbounded b_crit b_crit_low b_crit_high b_crit_unbounded c c_low c_high c_unbounded
        o o_low o_high o_unbounded best_batch_size best_batch_size_low best_batch_size_high
        best_batch_size_unbounded cost_at_32 cost_at_32_low cost_at_32_high cost_at_32_unbounded
        cost_at_128 cost_at_128_low cost_at_128_high cost_at_128_unbounded cost_at_1000
        cost_at_1000_low cost_at_1000_high cost_at_1000_unbounded epochs_r_squared
        seconds_r_squared examples
        """
    ),
    "predictions": _columns(
        """
        machine device study target family rule model dataset optimizer noise_scale noise_scale_low
        noise_scale_high noise_scale_unbounded factor factor_low factor_high factor_unbounded b_crit
        b_crit_low b_crit_high b_crit_unbounded c c_low c_high c_unbounded o o_low o_high
        o_unbounded predicted_batch_size predicted_batch_size_low predicted_batch_size_high
        predicted_batch_size_unbounded cost_at_32 cost_at_32_low cost_at_32_high
        cost_at_32_unbounded cost_at_128 cost_at_128_low cost_at_128_high cost_at_128_unbounded
        cost_at_1000 cost_at_1000_low cost_at_1000_high cost_at_1000_unbounded best_batch_size
        best_batch_size_low best_batch_size_high nearest_batch_size cost cost_low cost_high
        cost_unbounded batch_sizes relative_times relative_times_low relative_times_high
        """
    ),
    "profile": _columns(
        """
        machine device study target solver tau share workloads
        """
    ),
    "noise": _columns(
        """
        machine device study threads ratio low high noise_floor spread baseline_drift rounds
        """
    ),
    "loops": _columns(
        """
        machine device study target loop o o_low o_high c c_low c_high best_batch_size
        best_batch_size_low best_batch_size_high tied_batch_sizes seconds
        """
    ),
    "loop_sizes": _columns(
        """
        machine device study target loop variant batch_size seconds_per_epoch
        seconds_per_epoch_low seconds_per_epoch_high examples_per_second ratio_to_graph
        ratio_to_graph_low ratio_to_graph_high trials reached time_to_target
        time_to_target_low time_to_target_high time_to_target_unbounded
        """
    ),
    "product": _columns(
        """
        machine device study variant seed target epochs epochs_to_target seconds
        predicted_seconds predicted_over_measured
        """
    ),
    "probes": _columns(
        """
        machine device variant moment batch_size epoch full_size cosine cosine_low cosine_high
        cosine_unbounded successive_cosine successive_cosine_low successive_cosine_high
        successive_cosine_unbounded squared_norm draws
        """
    ),
    "noise_scale": _columns(
        """
        machine device variant moment epoch gradient_squared gradient_squared_low
        gradient_squared_high gradient_squared_unbounded trace trace_low trace_high
        trace_unbounded noise_scale noise_scale_low noise_scale_high noise_scale_unbounded
        batch_sizes draws
        """
    ),
    "threads": _columns(
        """
        machine device study subject role threads batch_size variants ratio ratio_low ratio_high
        seconds_per_epoch seconds_per_epoch_low seconds_per_epoch_high examples_per_second
        flops_per_second share_of_peak peak_memory_bytes trace_seconds compile_seconds
        first_step_seconds
        """
    ),
    "settings": _columns(
        """
        study variant axis value baseline published
        """
    ),
    "published": _columns(
        """
        batch_size total_epochs total_iterations time_200_epochs_pu epoch_at_099 time_to_099_pu
        best_validation_error best_epoch best_test_error final_test_error status
        """
    ),
    "reference": REFERENCE,
}

TABLES = COLLECTED | ANALYZED

COLLECTED_FILES = (*(f"{name}.csv" for name in COLLECTED), "environment.json")
ANALYZED_FILES = (*(f"{name}.csv" for name in ANALYZED if name != "claims"), "answer.json")
JUDGED_FILES = ("claims.csv",)

# All other columns hold numbers.
_TEXTS = frozenset(
    _columns(
        """
        machine device study studies variant variants subject role moment part layer quantile
        model activation pooling initializer normalization optimizer
        model_arguments optimizer_arguments gradient_norms
        dataset dataset_digest status statuses missing message code text kind reason log file digest
        timed_in loop relative_epoch_time_base relative_time_to_target_base
        family rule solver axis value baseline metric
        targets tied_batch_sizes fitted_sizes excluded_sizes batch_sizes p_fastest relative_times
        relative_times_low relative_times_high
        id verdict policy changed reference fields
        """
    )
)
# With a dot where tables have columns of one name and other kinds.
_FLAGS = frozenset(
    _columns(
        """
        nesterov tuned full_batch full_train fastest fastest_confirmed fastest_mean_curve
        distinguishable on_border holds repeated
        settings.baseline settings.published lone_runs.reached products
        """
    )
)


def kind(table: str, column: str) -> Kind:
    """The type of a column; a flag may be empty where a number may."""
    if column in _FLAGS or f"{table}.{column}" in _FLAGS or column.endswith("_unbounded"):
        return "flag"
    return "text" if column in _TEXTS else "number"


def write_table(folder: Path, name: str, frame: "pd.DataFrame") -> None:
    """Write `{name}.csv` atomically: its columns in order, numbers with nine significant digits.

    A frame without rows needs no columns. KeyError: a frame that lacks one.
    """
    # Here: the workflow, which starts with the names above, takes half a second less.
    import pandas as pd  # noqa: PLC0415

    columns = list(TABLES[name])
    whole = frame[columns] if len(frame) else pd.DataFrame(columns=columns)
    with replacing(folder / f"{name}.csv") as scratch:
        # Nine digits: equal results give equal bytes whatever the last bits of a sum are.
        whole.to_csv(scratch, index=False, float_format="%.9g")


def read_table(folder: Path, name: str, columns: list[str] | None = None) -> "pd.DataFrame":
    """Read `{name}.csv`; `columns` restricts it to those. Raises UserError when it is missing.

    Text stays text, whatever it looks like: a machine may be called 007 or nan.
    """
    import pandas as pd  # noqa: PLC0415 - as in `write_table`

    path = folder / f"{name}.csv"
    # Else pandas makes a number of 007, and nothing of a machine called nan.
    texts = {column: "str" for column in TABLES[name] if kind(name, column) == "text"}
    try:
        return pd.read_csv(
            path, usecols=columns, dtype=texts, keep_default_na=False, na_values=[""]
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run the collect stage again.") from error


def read_document(path: Path) -> dict[str, Any]:
    """Read a JSON table; UserError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run the collect stage again.") from error


def digests(folder: Path) -> list[dict[str, str]]:
    """Rows of `results.csv` for the other collected files, once they are written."""
    return [
        {"file": f"{folder.name}/{name}", "digest": digest_of((folder / name).read_bytes())}
        for name in COLLECTED_FILES
        if name != "results.csv"
    ]


def refuse_edited(folder: Path) -> None:
    """Raise UserError for a collected file that is not what `collect` wrote, or gone."""
    listed = read_table(folder, "results")
    for file, digest in zip(listed["file"], listed["digest"], strict=True):
        path = folder.parent / file
        if path.parent != folder:
            continue
        if not path.is_file() or digest_of(path.read_bytes()) != digest:
            raise UserError(
                f"{path} is refused: edited after it was written. Delete the file and run again to "
                "have it made anew."
            )
