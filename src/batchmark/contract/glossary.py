"""What the rows and columns of the tables mean: `python -m batchmark.contract.glossary` writes it.

Apart from `tables`, which the stages import: a word here makes nothing run again.
"""

from batchmark.contract.devices import DEVICES
from batchmark.contract.tables import COLLECTED, TABLES, kind

ROWS = {
    "epochs": "an evaluation of a trial",
    "variants": "a variant on a machine and device",
    "trials": "a trial: one seed of a variant",
    "timings": "a clock reading",
    "subjects": "a timed training graph at a number of threads",
    "draws": "a mini-batch gradient",
    "layer_norms": "a layer at a probed moment",
    "magnitudes": "a quantile of single gradients at a probed moment",
    "warnings": "something that makes a result less trustworthy",
    "failures": "a planned result that is not there",
    "results": "a result file that the tables were made from",
    "summary": "a variant on a machine and device, with everything known about it",
    "claims": "a claim of the textbooks on a machine and device",
    "sensitivity": "a variant of a study and a target",
    "comparisons": "a variant against the study's baseline, in one metric",
    "best_batches": "a family (settings but the batch size) and a target",
    "choices": "a family, a target, a number of threads and a loop",
    "cost_model": "a fit of epochs and seconds over the batch size",
    "profile": "a step of a performance profile",
    "loops": "a loop of a study that timed several: the engine's graph, `fit`, an own one",
    "loop_sizes": "a loop and a variant of such a study",
    "lone_runs": "a variant trained once more, alone and with all cores, to the target",
    "product": "a check of epochs times seconds per epoch: predicted and measured time to target",
    "noise": "an A/A test: the same code timed twice in a study",
    "probes": "a batch size at a probed moment",
    "noise_scale": "a probed moment",
    "threads": "a timed training graph at a number of threads, with its statistics",
    "settings": "an axis of a variant in a study",
    "published": "a batch size of the published table",
}

# A column, or table.column where the word has another meaning: unit and meaning.
WORDS = {
    "machine": "|the name given to the machine in the configuration",
    "device": f"|{' or '.join(DEVICES)}",
    "study": "|name of the study",
    "summary.study": "|names of the studies that share the variant, joined by semicolons",
    "file": "|path of the result file",
    "digest": "|digest of its content",
    "studies": "|names of the studies that share the result, joined by semicolons",
    "variant": "|id of the variant: model, optimizer, batch size, digest of its settings",
    "variants": "|ids of the variants that share the timing, joined by semicolons",
    "subject": "|id of the timed training graph",
    "warnings.subject": "|id of the variant or timed graph the warning is about",
    "role": "|baseline (timed again and again), control (the baseline once more, A/A) or subject",
    "seed": "|seed of the initial weights and shuffles",
    "status": "|done, diverged, not_learning, or why there is no number",
    "published.status": "|what the published table says of the row",
    "statuses": "|how many trials ended in which status",
    "missing": "|why numbers are empty: not reached, not timed, or both",
    "message": "|what went wrong, in a sentence",
    "model": "|name or import path of the network",
    "model_arguments": "|further arguments of the network, as JSON",
    "optimizer": "|name or import path of the optimizer",
    "optimizer_arguments": "|further arguments of the optimizer, as JSON",
    "learning_rate": "|rate; of a tuned variant the chosen one",
    "momentum": "|Keras's momentum",
    "nesterov": "|whether the momentum is Nesterov's",
    "weight_decay": "|decoupled decay of the kernels, times the rate each step",
    "l1": "|strength of the L1 penalty",
    "l2": "|strength of the L2 penalty",
    "dropout": "|share of activations dropped",
    "activation": "|activation; empty: the model's own",
    "pooling": "|pooling; empty: the model's own",
    "initializer": "|initializer of kernels; empty: the model's own",
    "initializer_scale": "|factor on the initial kernels",
    "normalization": "|what normalizes before activations, or the pixels",
    "batch_size": "images|images in a step",
    "train_size": "images|training images used",
    "warm_up": "epochs|epochs in which the rate rises to its full value",
    "change_every": "epochs|epochs between changes of rate and batch; 0: none",
    "rate_factor": "|factor on the rate at each change",
    "batch_factor": "|factor on the batch at each change",
    "accumulation": "batches|batches whose mean gradient makes an update",
    "label_noise": "|share of the training images with a wrong label",
    "ema_half_life": "images|images after which old weights count half in the evaluated mean",
    "beta_2_half_life": "images|the same for squared gradients in the optimizer's mean",
    "tuned": "|whether the rate was chosen on validation data",
    "tuning_epochs": "epochs|training that choosing the rate took; empty: it was not tuned",
    "full_batch": "|whether the batch is the whole training set",
    "full_train": "|whether all training images are used",
    "trials": "|number of trials",
    "targets": "|validation accuracies whose confirmation ended the trial, joined by semicolons; "
    "empty: it trained its whole budget",
    "reached": "|number of trials that reached the target",
    "epoch": "epochs|epochs trained until then",
    "epochs": "epochs|the most that a trial trains",
    "evaluate_every": "images|training images between evaluations",
    "steps": "steps|steps trained until then",
    "timings.steps": "steps|steps in the reading",
    "examples": "images|images trained on until then",
    "cost_model.examples": "images|images in an epoch",
    "steps_per_epoch": "steps|full batches in an epoch",
    "examples_per_epoch": "images|images in an epoch, without the incomplete last batch",
    "parameters": "|trained numbers of the network",
    "dataset": "|name of the data set",
    "dataset_digest": "|SHA-256 of pixels, labels and split",
    "validation_size": "images|size of the validation set",
    "test_size": "images|size of the test set",
    "scored_train_size": "images|training images that final_train_accuracy counts",
    "loss": "|mean training loss since the evaluation before",
    "accuracy": "|training accuracy since the evaluation before",
    "loss_spread": "|standard deviation of the loss over steps",
    "validation_loss": "|loss on the validation set",
    "validation_accuracy": "|accuracy on the validation set",
    "best_epoch": "epochs|epoch of the best validation accuracy",
    "test_accuracy_at_best": "|test accuracy at the best validation accuracy",
    "final_test_accuracy": "|test accuracy at the end",
    "final_train_accuracy": "|training accuracy at the end",
    "small_weight_share": "|share of weights below 0.001 in size",
    "gradient_norms": "|norm of each layer's last gradients, as JSON",
    "target": "|validation accuracy that counts as reached",
    "epochs_to_target": "epochs|median over trials until the target was crossed, half a step "
    "before the evaluation that saw it; empty: not reached",
    "seconds_per_epoch": "s|time of an epoch's steps with the machine to itself",
    "time_to_target": "s|epochs_to_target times seconds_per_epoch",
    "relative_epoch_time": "|over the fastest epoch timed in the same session, named in _base",
    "relative_time_to_target": "|over the least time to target of the session, named in _base",
    "best_validation_error": "|smallest validation error, median over trials",
    "best_test_error": "|test error at the best validation error, median over trials",
    "final_test_error": "|test error at the end, median over trials",
    "final_train_error": "|training error at the end, median over trials",
    "generalization_gap": "|training minus test accuracy at the end",
    "timed_in": "|the study whose timing counts for the variant",
    "threads": "threads|threads that the timing used",
    "examples_per_second": "images/s|throughput",
    "flops_per_second": "FLOP/s|counted operations over time",
    "share_of_peak": "|flops_per_second over the peak of a matrix product",
    "flops_per_step": "FLOP|operations counted in the graph of a step",
    "peak_flops_per_second": "FLOP/s|what a large matrix product reaches on these threads",
    "peak_memory_bytes": "bytes|highest memory while training",
    "trace_seconds": "s|until the graph was built",
    "compile_seconds": "s|until it was compiled",
    "first_step_seconds": "s|the first step, not part of any reading",
    "round": "|round of the session",
    "order": "|place within the round",
    "process": "|which of the session's processes took the steps",
    "repeated": "|not counted: taken again in a calmer moment of the round",
    "lone_runs.epochs": "epochs|to the first evaluation that reached the target, else the budget",
    "lone_runs.reached": "|whether the target was reached",
    "lone_runs.seconds": "s|training alone until then, evaluations apart",
    "loop": "|what trained: the engine's graph, fit, fit-tuned, torch, or an import path",
    "steps_per_execution": "steps|Keras's, 0 where the loop has none",
    "loops.o": "s|cost of a step, beside its examples",
    "loops.c": "s|cost of an example",
    "loops.seconds": "s|time to target of the best batch size in this loop",
    "ratio_to_graph": "|seconds_per_epoch over those of the engine's graph in the same round",
    "product.epochs": "epochs|to the target when it trained alone",
    "product.epochs_to_target": "epochs|to the same evaluation in the variant's run, same seed",
    "product.seconds": "s|training alone until the target, evaluations apart",
    "predicted_seconds": "s|epochs_to_target of the run times seconds_per_epoch of the session",
    "predicted_over_measured": "|predicted_seconds over seconds",
    "taken_seconds": "s|how long cores were idle or taken, summed over the threads' cores",
    "start_seconds": "s|since the session's start",
    "seconds": "s|duration",
    "best_batches.seconds": "s|time to target of the best batch size",
    "seconds_per_step": "s|duration over steps",
    "ratio_to_baseline": "|seconds_per_epoch over the baseline's nearest reading",
    "ratio": "|seconds per epoch over the baseline's",
    "low": "|lower end of the 95 % interval",
    "high": "|upper end of the 95 % interval",
    "noise_floor": "|how far from 1 the A/A interval reaches: smaller differences mean nothing",
    "spread": "|interquartile range of the A/A ratio over rounds",
    "baseline_drift": "|largest deviation of a round's baseline time from the median, as a share",
    "rounds": "|number of rounds",
    "moment": "|when the gradients were probed: initial, first_epoch, final",
    "full_size": "images|images behind the full gradient",
    "full_squared_norm": "|squared norm of the full gradient",
    "draw": "|number of the draw",
    "draws": "|number of draws",
    "cosine": "|cosine with the full gradient",
    "squared_norm": "|squared norm of the gradient",
    "successive_cosine": "|cosine with the next draw",
    "layer": "|name of the layer",
    "depth": "|place of the layer, from the input, starting at 0",
    "norm": "|norm of the layer's gradient",
    "quantile": "|share of single weights below",
    "magnitude": "|size of the derivative by a single weight",
    "gradient_squared": "|squared norm of the true gradient, without the draws' noise",
    "trace": "|trace of the covariance of one image's gradient",
    "noise_scale": "images|trace over gradient_squared (McCandlish et al. 2018)",
    "batch_sizes": "|batch sizes used, joined by semicolons",
    "code": "|kind of warning",
    "text": "|the warning, in a sentence",
    "kind": "|runs, timings or gradients",
    "comparisons.kind": "|ratio or difference",
    "reason": "|why it is missing",
    "log": "|the last lines of its log",
    "id": "|id of the claim",
    "effect": "|size of the effect",
    "fields": "|what fills the sentences about the claim, as JSON",
    "verdict": "|supported, refuted, undecided or not measured",
    "margin": "|the effect that has to be exceeded",
    "n": "|number of independent values",
    "fastest": "|whether no other variant of the study takes less time to this target",
    "epochs_confirmed": "epochs|median over trials until the first of two evaluations in a row "
    "reached it; empty: none did",
    "epochs_mean_curve": "epochs|until the mean curve over trials crosses it; empty: it does not",
    "fastest_confirmed": "|the same as `fastest`, from epochs_confirmed",
    "fastest_mean_curve": "|the same as `fastest`, from epochs_mean_curve",
    "baseline": "|id of the variant compared with",
    "settings.baseline": "|whether the variant is the study's baseline",
    "settings.published": "|whether the variant redoes the published table",
    "metric": "|column of the summary that is compared",
    "estimate": "|ratio or difference to the baseline",
    "p": "|p value that there is no difference",
    "p_holm": "|the same, adjusted for all variants of the study (Holm 1979)",
    "pairs": "|number of paired values",
    "censored": "|pairs of which one missed the target",
    "both_missed": "|pairs of which both missed the target",
    "distinguishable": "|whether the difference is beyond chance and noise floor",
    "family": "|the settings but the batch size, in words of the configuration",
    "best_batch_size": "images|batch size with the least time to target",
    "tied_batch_sizes": "|sizes not told apart from the best, joined by semicolons",
    "best_batches.best_batch_size_low": "images|the smallest of the tied sizes",
    "best_batches.best_batch_size_high": "images|the largest of the tied sizes",
    "best_batches.batch_sizes": "|sizes tried, joined by semicolons",
    "choices.best_batch_size_low": "images|the smallest of the tied sizes",
    "choices.best_batch_size_high": "images|the largest of the tied sizes",
    "choices.batch_sizes": "|sizes trained and timed, joined by semicolons",
    "choices.learning_rate": "|rate at the best size, see rule",
    "choices.variant": "|id of the variant of the best size",
    "choices.seconds": "s|time to target of the best batch size",
    "best_batches.learning_rate": "|rate at the best size, see rule",
    "policy": "|the rule for the rates that the verdict is about (see `rule`); empty: about none",
    "rule": "|how the rates of a family follow the batch size: fixed, sqrt, linear, tuned or own",
    "p_fastest": "|probability of each of batch_sizes to be the fastest, joined by semicolons",
    "claims.p": "|p value that the effect is the margin",
    "p_fdr": "|the same, adjusted for all claims of the device (Benjamini & Hochberg 1995)",
    "detectable": "|the effect that 80 % of such experiments would support",
    "changed": "|when the rule was last changed",
    "claims.digest": "|digest of the rule's code and that date",
    "detectable_ratio": "|ratio of times that 80 % of such experiments tell from 1",
    "sizes": "|number of batch sizes",
    "on_border": "|whether the best is the smallest or largest size tried",
    "holds": "|whether the main target's best is not told apart from this one's",
    "fitted_sizes": "|batch sizes in the fit, joined by semicolons",
    "excluded_sizes": "|batch sizes left out, joined by semicolons",
    "e_min": "epochs|epochs to target at small batches",
    "b_crit": "images|batch size at which the epochs have doubled",
    "c": "s|time of an image in an epoch",
    "o": "s|overhead of a step",
    "cost_at_32": "|time to target at batch size 32 over the best",
    "cost_at_128": "|the same at 128",
    "cost_at_1000": "|the same at 1000",
    "epochs_r_squared": "|share of the epochs' variance that the fit explains",
    "seconds_r_squared": "|share of the seconds' variance that the fit explains",
    "solver": "|the settings but the batch size",
    "tau": "|factor on the fastest solver's time",
    "share": "|share of batch sizes at which the solver is at most tau times slower",
    "workloads": "|number of batch sizes",
    "axis": "|name of the setting",
    "value": "|its value as written; several that coincide are joined by a bar",
    "total_epochs": "epochs|epochs trained",
    "total_iterations": "steps|steps trained",
    "time_200_epochs_pu": "|time of 200 epochs, per unit of batch size 5000",
    "epoch_at_099": "epochs|first epoch at a validation accuracy of 0.99",
    "time_to_099_pu": "|time to it, per unit",
}
_SUFFIXES = {
    "_low": "lower end of the 95 % interval of",
    "_high": "upper end of the 95 % interval of",
    "_unbounded": "whether the interval has no upper end:",
    "_base": "id of the variant that is 1 in",
}


def meaning(table: str, column: str) -> tuple[str, str]:
    """Unit (empty: none) and meaning of a column; KeyError for one that has no words."""
    words = WORDS.get(f"{table}.{column}", WORDS.get(column))
    if words is not None:
        unit, _, text = words.partition("|")
        return unit, text
    suffix = next(end for end in _SUFFIXES if column.endswith(end))
    stem = column.removesuffix(suffix)
    unit, _ = meaning(table, stem)
    return unit if suffix in ("_low", "_high") else "", f"{_SUFFIXES[suffix]} `{stem}`"


def page() -> str:
    """The page `docs/tables.md`."""
    return "\n".join([_HEAD, *(_section(name) for name in TABLES)])


_HEAD = """# The tables

What `results/tables/` holds, for pandas or a spreadsheet.
This page is written by `python -m batchmark.contract.glossary`.

- Empty: not reached or not measured. Read names as text, for a machine may be called 007 or nan:
  `pandas.read_csv(path, dtype={"machine": str}, keep_default_na=False, na_values=[""])`.
- text, number or flag (`True`, `False`) is the type of a column.
- Accuracies and errors are shares from 0 to 1.
- `environment.json` has machines and versions, `answer.json` the answer at the head of the page.
"""


def _section(name: str) -> str:
    stage = "collect" if name in COLLECTED else "analyze"
    lines = [f"## {name}.csv", "", f"One row: {ROWS[name]}. Written by `{stage}`.", ""]
    lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for column in TABLES[name]:
        unit, text = meaning(name, column)
        lines.append(f"| `{column}` | {kind(name, column)} | {unit} | {text} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(page(), end="")
