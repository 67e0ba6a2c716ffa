"""The words of the claims, by the themes and in the order of the page.

Only the page reads them: an edit here renders, and decides nothing anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from batchmark.report.language.messages import Message, say


@dataclass(frozen=True)
class Words:
    """What the page says of a claim.

    `evidence` may use the fields that the rule found, and the decision's `effect`, `low`, `high`,
    `margin` and `n`; numbers as they are, or as `{share:percent}` and `{difference:points}`.
    `phrases`: the parts of it that the rule may ask for by name. `needs`: the studies, or other
    measurements, that it is decided on. `figure`: the one that shows it; with `compares`, only
    where there are several things in it to compare. `unit`: of the effect, empty for a ratio or an
    exponent. `alone`: the evidence where nothing bounds the effect.
    """

    statement: Message
    rule: Message
    effect: Message
    evidence: Message
    needs: Message
    figure: str = ""
    compares: bool = False
    phrases: Mapping[str, Message] = field(default_factory=dict)
    unit: str = ""
    alone: Message | None = None


@dataclass(frozen=True)
class Theme:
    """Claims about one subject, by their ids."""

    title: Message
    claims: Mapping[str, Words]


# Units of effects: shares that are told in points, and parts of which any may decide.
POINTS, MIXED = "points", "mixed"
PROBES = say("gradient probes")
TIMINGS = say("timings")
NETWORKS = {"network": say("{count} network"), "networks": say("{count} networks")}


def _policies(verdict: Message) -> Mapping[str, Message]:
    """Under which policy for the rates a verdict holds, and what comes of the others."""
    return {
        "policies": say("; this is {policy}; {others}"),
        "one_policy": say("; this is {policy}"),
        "policy": verdict,
        "fixed": say("at the learning rate {rate} for every size"),
        "sqrt": say("at a learning rate that grows with the square root of the size"),
        "linear": say("at a learning rate in proportion to the size"),
        "tuned": say("at a learning rate tuned for each size"),
        "own": say("at a learning rate set for each size"),
        "supported": say("supported"),
        "refuted": say("refuted"),
        "inconclusive": say("inconclusive"),
    }


POLICIES = _policies(say("{policy} it is {verdict} ({effect}, {low} to {high})"))
POLICIES_IN_POINTS = _policies(
    say("{policy} it is {verdict} ({effect:points} points, {low:points} to {high:points})")
)
POLICIES_IN_SHARES = _policies(
    say("{policy} it is {verdict} ({effect:percent}, {low:percent} to {high:percent})")
)


def _both(one: Message, other: Message) -> Message:
    return say("{one} and {other}", one=one, other=other)


TIME: Mapping[str, Words] = {
    "time-optimum": Words(
        statement=say("Some batch size in between reaches the target in the least time."),
        rule=say(
            "The batch size in between that looks fastest beats both the smallest and the largest "
            "by more than 10 % of the time to target (all sizes estimated together from all seeds "
            "and rounds; Student's t, widened by Bonferroni for the choice; a miss counts as the "
            "budget, and never decides where that misleads)."
        ),
        effect=say("time to target at an end over the best in between (the end that decides)"),
        evidence=say(
            "The best in between ({best}) reaches the target {first} ({first_low} to {first_high}) "
            "times as fast as batch size {smallest} and {last} ({last_low} to {last_high}) times "
            "as fast as {largest}, over up to {n} seeds a size{warning}{policies}."
        ),
        phrases={
            **POLICIES,
            "warning": say(
                "; not every trial reached it at batch size {sizes}, so the ratio to it is a "
                "lower bound"
            ),
        },
        needs=say("batch size"),
        figure="time_to_target",
    ),
    "more-epochs": Words(
        statement=say("The larger the batch, the more epochs the same accuracy takes."),
        rule=say(
            "Epochs to the target grow with the batch size by an exponent of more than 0.05 "
            "(slope on log-log axes through all sizes, estimated together from all seeds; "
            "Student's t), at rates that suit the sizes; a miss "
            "counts as the budget, and never decides where that misleads; sizes that never learn "
            "are left out."
        ),
        effect=say("exponent of epochs to target over batch size"),
        evidence=say(
            "From batch size {smallest} to {largest} epochs to target go as the batch size to the "
            "power of {effect} ({low} to {high}; up to {n} seeds a size; {missed} of {trials} "
            "trials missed the target){policies}."
        ),
        phrases=POLICIES,
        needs=_both(say("batch size"), say("learning rate")),
        figure="time_to_target",
    ),
    "faster-epochs": Words(
        statement=say(
            "The larger the batch, the fewer steps an epoch has and the less time it takes."
        ),
        rule=say(
            "The rank correlation (Spearman) of batch size and seconds per epoch is below -0.8 "
            "(one value a round, Student's t)."
        ),
        effect=say("rank correlation of batch size and epoch time"),
        evidence=say(
            "Over {count} batch sizes the rank correlation of size and epoch time is {effect} "
            "({low} to {high}; {n} rounds); the fastest epoch is at {fastest}."
        ),
        needs=TIMINGS,
        figure="time_to_target",
    ),
    "hardware-efficiency": Words(
        statement=say(
            "Larger batches use the hardware better: more examples a second, a larger share of its "
            "peak."
        ),
        rule=say(
            "The largest timed batch trains more than 1.5 times as many examples a second as the "
            "smallest (paired by round, Student's t)."
        ),
        effect=say("examples per second, largest over smallest batch"),
        evidence=say(
            "Batch size {largest} trains {effect} ({low} to {high}) times as many examples a "
            "second as batch size {smallest}, over {n} rounds."
        ),
        needs=TIMINGS,
        figure="throughput",
    ),
    "loop-changes-speed": Words(
        statement=say("The loop that trains decides how long an epoch takes."),
        rule=say(
            "In `model.fit` as it is usually written (else in the first other loop) an epoch takes "
            "over 1.25 times as long as in batchmark's graph, mean over the timed sizes (per "
            "round, Student's t)."
        ),
        effect=say("seconds per epoch, other loop over graph"),
        evidence=say(
            "In {loop} an epoch takes {effect} ({low} to {high}) times as long as in batchmark's "
            "graph, mean over batch sizes {sizes}, {n} rounds."
        ),
        needs=say("timings of several loops"),
        figure="loops",
    ),
    "loop-changes-best-size": Words(
        statement=say("Another loop has another best batch size."),
        rule=say(
            "In `model.fit` (else in the first other loop) the graph's best batch size takes over "
            "5 % longer to the target than the best one there, both chosen on the other seeds "
            "(per seed, Student's t, sizes that reached the target)."
        ),
        effect=say("time to target in the other loop, graph's best size over its own"),
        evidence=say(
            "In {loop} the graph's best size ({graph}) takes {effect} ({low} to {high}) times as "
            "long to the target as the best there ({other}), {n} seeds."
        ),
        needs=say("timings of several loops"),
        figure="loops",
    ),
    "memory-bound": Words(
        statement=say("Memory grows with the batch and in the end bounds it."),
        rule=say(
            "With every doubling of the batch, from the smallest to the largest timed one of a "
            "study's settings, the peak memory grows by more than 2 % (one value per pair of "
            "measurements, Student's t); where it ends is predicted, not tested."
        ),
        effect=say("peak memory, over that of half the batch"),
        evidence=say(
            "Over {n} settings the peak memory grows by a factor of {effect} ({low} to {high}) "
            "with every doubling of the batch; from that, memory would end at about {fits:about} "
            "examples a batch, which was not tried."
        ),
        needs=TIMINGS,
        figure="memory",
    ),
    "grows-with-data": Words(
        statement=say("The best batch size grows with the size of the training set."),
        rule=say(
            "The batch size with the least time to target grows with the number of training images "
            "by an exponent of more than 0.1 (slope on log-log axes per seed, Student's t); "
            "numbers of images where a seed never reached it, or a size that missed it might still "
            "be the fastest, are left out."
        ),
        effect=say("exponent of the best batch size over data"),
        evidence=say(
            "From {fewest} to {most} images the best batch size goes as their number to the power "
            "of {effect} ({low} to {high}; {n} seeds), over {known} of {count} numbers of images."
        ),
        needs=say("train size"),
        figure="train_size",
    ),
    "table-rows": Words(
        statement=say(
            "Each row of the published table is reproduced in its order over the batch sizes."
        ),
        rule=say(
            "Each of the six rows' rank correlation (Spearman) with the published values over the "
            "shared batch sizes exceeds 0.5 (one value a seed, Student's t; sizes that missed "
            "their target on either side are left out of the rows about the target). One row can "
            "refute, but only all six can support."
        ),
        effect=say("rank correlation of the deciding row"),
        evidence=say(
            "Rank correlations of {model} with {count} of the {all} published rows: {rows}; "
            "{deciding} decides ({low} to {high}; {n} seeds)."
        ),
        phrases={
            "row": say("{name} {rho}"),
            "time_200_epochs_pu": say("epoch time"),
            "epoch_at_099": say("epochs to target"),
            "time_to_099_pu": say("time to target"),
            "best_validation_error": say("best validation error"),
            "best_test_error": say("best test error"),
            "final_test_error": say("final test error"),
        },
        needs=say("batch size"),
        figure="time_to_target",
    ),
    "critical-grows-with-target": Words(
        statement=say("The stricter the target, the larger the critical batch size."),
        rule=say(
            "The critical batch size, from a fit of E = E_min (1 + B / B_crit) to the epochs of at "
            "least four sizes at each of at least three targets, goes as 1 / (1 - target) to a "
            "power of more than 0.1 (jackknife over seeds, Student's t); sizes that missed a "
            "target, or were there at their first evaluation, are left out of its fit."
        ),
        effect=say("exponent of the critical batch size over 1 / (1 - target)"),
        evidence=say(
            "From target {easiest} to {hardest} ({targets} targets) the critical batch size goes "
            "as 1 / (1 - target) to the power of {effect} ({low} to {high}; {n} seeds)."
        ),
        needs=say("batch size"),
        figure="sensitivity",
    ),
    "online-works": Words(
        statement=say(
            "Single examples train as well as batches of 50 to 100, at a rate scaled to their size."
        ),
        rule=say(
            "At batch size 1, with a rate that follows the size by its square root or in "
            "proportion (the rule that is better on the other seeds), the target takes at most "
            "1.5 times the epochs of a batch size from 50 to 100 (per seed, non-inferiority by "
            "Student's t; a miss counts as the budget, and never decides where that misleads)."
        ),
        effect=say("epochs to target, single examples over batches"),
        evidence=say(
            "At a scaled rate ({rules} rules tried) single examples take {effect} ({low} to "
            "{high}) times the epochs of batches of 50 to 100, {n} seeds; {missed} trials missed "
            "the target."
        ),
        needs=say("equivalents"),
        figure="own_study.equivalents",
    ),
    "accumulation-equal": Words(
        statement=say(
            "Accumulating the gradients of k small batches trains like one batch k times as large, "
            "only slower."
        ),
        rule=say(
            "Three parts, all needed: the best validation error is neither higher nor lower by 0.3 "
            "points (equivalence, paired by seed), and an epoch takes more than 1.05 times as long "
            "(paired by round; Student's t)."
        ),
        effect=say("difference in error, or ratio of epoch times (the part that decides)"),
        evidence=say(
            "Over {count} pairs accumulation changes the best validation error by {error:points} "
            "points ({error_low:points} to {error_high:points}), and its epochs take {slower} "
            "({slower_low} to {slower_high}) times as long."
        ),
        needs=_both(say("equivalents"), TIMINGS),
        figure="own_study.equivalents",
        unit=MIXED,
    ),
}

ACCURACY: Mapping[str, Words] = {
    "accuracy-optimum": Words(
        statement=say("Some batch size in between reaches the best final accuracy."),
        rule=say(
            "The best batch size in between, chosen on the other seeds, has a best validation "
            "error lower than both the smallest and the largest by more than 0.3 points (per seed, "
            "Student's t). A size that has not settled (best validation error in the last quarter "
            "of the budget) may still improve, and never decides where that misleads."
        ),
        effect=say(
            "best validation error at an end minus the best in between (the end that decides)"
        ),
        evidence=say(
            "Within {budget} epochs the validation error of batch size {smallest} differs from "
            "that of the best in between ({best}) by {first:more} points ({first_low:more} to "
            "{first_high:more}), that of {largest} by {last:more} points ({last_low:more} to "
            "{last_high:more}), over {n} seeds{warning}{policies}."
        ),
        phrases={
            **POLICIES_IN_POINTS,
            "warning": say("; still improving at the end: batch size {sizes}"),
        },
        needs=say("batch size"),
        figure="test_error",
        unit=POINTS,
    ),
    "too-small-fails": Words(
        statement=say("Too small a batch does not converge."),
        rule=say(
            "Of the trials at batch sizes 1 and 2 more than half diverge, never learn or miss the "
            "target in 200 epochs (Wilson's interval; fewer than 5 trials never decide); trials "
            "stopped earlier by a smaller budget tell nothing."
        ),
        effect=say("share of trials that fail"),
        evidence=say(
            "{failed} of {n} trials at batch sizes up to 2 failed to converge in up to {epochs} "
            "epochs ({effect:percent}, {low:percent} to {high:percent}); {kinds}{few}{policies}."
        ),
        phrases={
            **POLICIES_IN_SHARES,
            "few": say("; at least {fewest} trials are needed to decide"),
        },
        needs=say("batch size"),
        figure="time_to_target",
    ),
    "less-oscillation": Words(
        statement=say("Within reason, larger batches make training oscillate less."),
        rule=say(
            "The standard deviation of step losses in the later half of training falls with the "
            "batch size by an exponent of more than 0.1 (slope on log-log axes per seed, Student's "
            "t); sizes that never learn are left out. Weights that stood still would give 0.5 by "
            "averaging alone."
        ),
        effect=say("exponent of the loss's spread over batch size"),
        evidence=say(
            "From batch size {smallest} to {largest} the spread of step losses goes as the batch "
            "size to the power of {effect} ({low} to {high}; {n} seeds); averaging alone makes it "
            "-0.5{policies}."
        ),
        phrases=POLICIES,
        needs=say("batch size"),
        figure="learning_curves",
    ),
    "large-batch-generalization": Words(
        statement=say(
            "Very large batches end in worse optima: their test error is higher after full "
            "convergence."
        ),
        rule=say(
            "Where both have settled (best validation error before the last quarter of the "
            "budget), the final test error at the largest batch, of at least 1000, exceeds that of "
            "the small batch that is best on the other seeds by more than 0.3 points (paired by "
            "seed, Student's t)."
        ),
        effect=say("test error, large minus small batch"),
        evidence=say(
            "Settled after {budget} epochs, the final test error of batch size {largest} differs "
            "from the best small batch's by {effect:more} points ({low:more} to {high:more}; {n} "
            "seeds)."
        ),
        needs=_both(say("batch size"), say("learning rate")),
        figure="test_error",
        unit=POINTS,
    ),
    "noise-escapes": Words(
        statement=say(
            "The noise of mini-batches helps to leave poor optima in which very large batches get "
            "stuck."
        ),
        rule=say(
            "Where both have settled (best validation error before the last quarter of the "
            "budget), the training error at the largest batch, of at least 1000, exceeds that of "
            "the small batch that is best on the other seeds by more than 0.3 points (paired by "
            "seed, Student's t)."
        ),
        effect=say("training error, large minus small batch"),
        evidence=say(
            "Settled after {budget} epochs, the training error of batch size {largest} differs "
            "from the best small batch's by {effect:more} points ({low:more} to {high:more}; {n} "
            "seeds)."
        ),
        needs=_both(say("batch size"), say("learning rate")),
        figure="test_error",
        unit=POINTS,
    ),
}

GRADIENTS: Mapping[str, Words] = {
    "full-batch-direction": Words(
        statement=say(
            "The more data a gradient is taken over, up to the whole set, the closer it points to "
            "the true direction of descent."
        ),
        rule=say(
            "At every probed moment the cosine with the full gradient is larger by more than 0.1 "
            "at the largest probed batch than at the smallest (t over networks, or Welch's t over "
            "the draws of a single one). The full gradient itself is the reference, so that only "
            "the size of the gain is tested, not that there is one."
        ),
        effect=say("gain in cosine from the smallest to the largest probed batch"),
        evidence=say(
            "From batch size {smallest} to {largest} the cosine with the full gradient changes by "
            "{effect} ({low} to {high}; {networks}), at the least favourable of {moments} "
            "moments; that it grows at all is certain, the full gradient being the reference."
        ),
        phrases=NETWORKS,
        needs=PROBES,
        figure="gradient_cosine",
    ),
    "half-data-gradient": Words(
        statement=say(
            "Half of the data, or far less, gives almost the same gradient as all of them."
        ),
        rule=say(
            "At every probed moment the largest probed batch of at most half of the data has a "
            "mean cosine above 0.9 with the full gradient (Student's t over networks, or over the "
            "draws of a single one)."
        ),
        effect=say("cosine with the full gradient"),
        evidence=say(
            "{size} examples, {share:points} % of the data, give a cosine of {effect} ({low} to "
            "{high}; {networks}) with the full gradient, at the least favourable of {moments} "
            "moments."
        ),
        phrases=NETWORKS,
        needs=PROBES,
        figure="gradient_cosine",
    ),
    "direction-saturates": Words(
        statement=say("Beyond some batch size the direction of descent hardly changes any more."),
        rule=say(
            "At every probed moment the largest probed batch of at most a fifth of the data leaves "
            "the cosine with the full gradient less than 0.1 to gain, however much larger the "
            "batch (Student's t over networks, or over the draws of a single one)."
        ),
        effect=say("gain in cosine that larger batches have left"),
        evidence=say(
            "Beyond {size} examples, {share:points} % of the data, the cosine with the full "
            "gradient has {effect} ({low} to {high}; {networks}) left to gain, at that of "
            "{moments} moments which decides."
        ),
        phrases=NETWORKS,
        needs=PROBES,
        figure="gradient_cosine",
    ),
    "online-zigzag": Words(
        statement=say(
            "With one example a step the direction zig-zags and training hardly converges."
        ),
        rule=say(
            "Two parts, both needed: consecutive gradients at batch size 1 have a mean cosine "
            "below 0.2 at every moment, and the best validation error at batch size 1 exceeds that "
            "of the batch size that is best on the other seeds by more than one point (paired by "
            "seed)."
        ),
        effect=say("cosine of consecutive gradients, or excess error (the part that decides)"),
        evidence=say(
            "Consecutive gradients at batch size 1 have a cosine of at most {cosine}; its best "
            "validation error is {excess:points} points above the best batch size's ({networks} "
            "probed, {seeds} seeds; the deciding interval, of a cosine or of an error as a share, "
            "is {low} to {high})."
        ),
        phrases=NETWORKS,
        needs=_both(PROBES, say("batch size")),
        figure="gradient_cosine",
        unit=MIXED,
    ),
    "gradient-spread": Words(
        statement=say(
            "Gradients differ by orders of magnitude from weight to weight, so that no single "
            "global learning rate fits all of them."
        ),
        rule=say(
            "The 99 % quantile of |gradient| over single weights is more than 10 times their "
            "median (geometric mean over moments for each network, Student's t over networks, or "
            "over the moments of a single one); normally distributed gradients of one scale would "
            "give 3.8."
        ),
        effect=say("99 % quantile over median of the gradient's magnitude"),
        evidence=say(
            "One weight in a hundred has a gradient more than {effect} ({low} to {high}) times the "
            "median weight's, over {probes} probes of {networks}."
        ),
        phrases=NETWORKS,
        needs=PROBES,
        figure="gradient_magnitudes",
    ),
    "noise-scale-grows": Words(
        statement=say("The gradient's noise scale grows while a network trains."),
        rule=say(
            "At the last probed moment the noise scale (tr(Σ) / |G|²) is more than 3 times that "
            "of the untrained network (t over networks; one network decides nothing)."
        ),
        effect=say("noise scale, last moment over first"),
        evidence=say(
            "At the last probed moment the noise scale is {effect} ({low} to {high}) times that "
            "of the first, {networks}."
        ),
        phrases=NETWORKS,
        needs=PROBES,
        figure="noise_scale",
        alone=say(
            "At the last probed moment the noise scale is {effect} times that of the first, "
            "{networks}: too few for an interval."
        ),
    ),
    "noise-scale-predicts": Words(
        statement=say("The gradient's noise scale predicts the critical batch size."),
        rule=say(
            "The noise scale of the main study's networks (geometric mean of the moments after the "
            "start) and the critical batch size fitted to their epochs to target are within a "
            "factor of 3 of each other (equivalence, Welch's t over networks or draws and "
            "jackknifed seeds)."
        ),
        effect=say("noise scale over critical batch size, or the inverse (the part that decides)"),
        evidence=say(
            "The noise scale is {scale} examples ({networks}); the critical batch size, from the "
            "{n} seeds that all sizes share, is {critical}; the ratio that decides is {effect} "
            "({low} to {high})."
        ),
        phrases=NETWORKS,
        needs=_both(say("batch size"), PROBES),
        figure="noise_scale",
    ),
    "prediction-holds": Words(
        statement=say("Noise scale and clock predict the fastest batch size."),
        rule=say(
            "Of the main study's sizes, at rates that follow the size, the one nearest to the "
            "predicted √(B_crit · o/c), B_crit being the noise scale times the factor of earlier "
            "studies, takes at most 1.25 times as long to the target as each of the others "
            "(Student's t over seeds and rounds)."
        ),
        effect=say("time at the predicted size over another's (the pair that decides)"),
        evidence=say(
            "Predicted was {predicted} ({predicted_low} to {predicted_high}); {tried}, the nearest "
            "size tried, takes {effect} ({low} to {high}) times as long as the size that decides; "
            "the fastest is {fastest}."
        ),
        needs=_both(say("batch size"), PROBES),
        figure="prediction",
    ),
    "label-noise-batch": Words(
        statement=say("Wrong labels make the batch size larger that training can use."),
        rule=say(
            "With a share of the labels wrong the noise scale (geometric mean of the moments after "
            "the start) is more than 1.5 times that with true labels (t over networks; one pair "
            "decides nothing)."
        ),
        effect=say("noise scale, wrong over true labels"),
        evidence=say(
            "With a share of {shares} of the labels wrong the noise scale is {effect} ({low} to "
            "{high}) times as large, {networks}."
        ),
        phrases=NETWORKS,
        needs=_both(say("equivalents"), PROBES),
        figure="noise_scale",
        alone=say(
            "With a share of {shares} of the labels wrong the noise scale is {effect} times as "
            "large, {networks}: too few for an interval."
        ),
    ),
}

OPTIMIZERS: Mapping[str, Words] = {
    "momentum-speed": Words(
        statement=say("Momentum speeds up convergence."),
        rule=say(
            "With momentum 0.9 the target takes fewer epochs than without, all else equal, by a "
            "factor of more than 1.1 (geometric mean over pairs for each seed, Student's t; a miss "
            "counts as the budget, and never decides where that misleads)."
        ),
        effect=say("speed-up in epochs to target"),
        evidence=say(
            "Over {informative} of {count} pairs (batch sizes {sizes}) momentum 0.9 reaches the "
            "target {effect} ({low} to {high}) times as fast, {n} seeds."
        ),
        needs=say("momentum"),
        figure="momentum",
    ),
    "rprop-full-batch": Words(
        statement=say(
            "Rprop, which uses only the sign of the gradient, learns well on the full batch."
        ),
        rule=say(
            "On the full batch Rprop's best validation error is at most 0.5 points above SGD's, "
            "each at its setting that is best on the other seeds (paired by seed, non-inferiority "
            "by Student's t)."
        ),
        effect=say("error of SGD minus error of Rprop"),
        evidence=say(
            "On the full batch Rprop ends with a mean error of {rprop:percent}; SGD's minus "
            "Rprop's is {effect:points} points ({low:points} to {high:points}) within the same "
            "epochs, {n} seeds."
        ),
        needs=say("rprop"),
        figure="rprop",
        unit=POINTS,
    ),
    "rprop-mini-batch": Words(
        statement=say(
            "On mini-batches Rprop's corrections cancel out and it fails; RMSprop repairs that."
        ),
        rule=say(
            "Two parts, both needed: on mini-batches (at most a tenth of the data) Rprop's best "
            "validation error is more than one point above SGD's, and RMSprop's at most 0.5 points "
            "above it, each at its setting that is best on the other seeds (paired by seed, "
            "Student's t)."
        ),
        effect=say("excess error of Rprop, or of SGD over RMSprop (the part that decides)"),
        evidence=say(
            "On mini-batches the mean errors are {rprop:percent} for Rprop, {sgd:percent} for SGD "
            "and {rmsprop:percent} for RMSprop; the deciding difference is {effect:points} points "
            "({low:points} to {high:points}), {n} seeds."
        ),
        needs=say("rprop"),
        figure="rprop",
        unit=POINTS,
    ),
    "optimizer-rates": Words(
        statement=say(
            "Adaptive optimizers (Adagrad, Adadelta, RMSprop, Adam) need less tuning of the "
            "learning rate than SGD (our addition, not the article's)."
        ),
        rule=say(
            "Going from Keras's default rate to the tuned one lowers the best validation error of "
            "plain SGD (no momentum) by more than 0.3 points more than that of the adaptive "
            "optimizers (means over pairs for each seed, Student's t)."
        ),
        effect=say("gain from tuning, SGD minus adaptive optimizers"),
        evidence=say(
            "Tuning the rate changes plain SGD's error by {sgd:less} points ({sgd_pairs} pairs) "
            "and the adaptive optimizers' by {others:less} points ({other_pairs} pairs), a "
            "difference of {effect:points} points ({low:points} to {high:points}; {n} seeds)."
        ),
        needs=_both(say("optimizer"), say("learning rate")),
        figure="optimizer",
        unit=POINTS,
    ),
    "momentum-is-rate": Words(
        statement=say(
            "At small batch sizes momentum m is nothing but a rate 1 / (1 - m) times as large."
        ),
        rule=say(
            "Up to batch size 100, SGD with momentum m at rate r (1 - m) takes as many epochs to "
            "the target as without at rate r, to within 15 % (equivalence, geometric mean over "
            "pairs for each seed, Student's t; a miss counts as the budget, and never decides "
            "where that misleads)."
        ),
        effect=say("speed-up by momentum at the same effective rate, or the inverse"),
        evidence=say(
            "Over {informative} of {count} pairs (batch sizes {sizes}) momentum at the same "
            "effective rate changes the epochs to target by a factor of {effect} ({low} to "
            "{high}), {n} seeds."
        ),
        needs=say("equivalents"),
        figure="own_study.equivalents",
    ),
    "momentum-large-batch": Words(
        statement=say("Momentum helps large batches more than small ones."),
        rule=say(
            "With the rates that are best on the other seeds, of at least five tried or a tuned "
            "one, momentum 0.9 saves more than 1.25 times as many epochs to the target at the "
            "largest size, of at least 1000, as at the smallest, of at most 10 (ratio of ratios "
            "per seed, Student's t; a miss counts as the budget, and never decides where that "
            "misleads)."
        ),
        effect=say("speed-up at the large size over that at the small one"),
        evidence=say(
            "At batch size {large} momentum saves {effect} ({low} to {high}) times as many epochs "
            "as at {small}, {n} seeds; {missed} trials missed the target."
        ),
        needs=say("rates"),
        figure="own_study.rates",
    ),
    "optimizer-gap-grows": Words(
        statement=say("The gap between Adam and SGD grows with the batch size."),
        rule=say(
            "With the rates that are best on the other seeds, of at least five tried or a tuned "
            "one, Adam saves more than 1.25 times as many epochs over SGD at the largest size, of "
            "at least 1000, as at the smallest, of at most 10 (ratio of ratios per seed, "
            "Student's t; a miss counts as the budget, and never decides where that misleads)."
        ),
        effect=say("speed-up at the large size over that at the small one"),
        evidence=say(
            "At batch size {large} Adam saves {effect} ({low} to {high}) times as many epochs over "
            "SGD as at {small}, {n} seeds; {missed} trials missed the target."
        ),
        needs=_both(say("rates"), say("optimizer")),
        figure="own_study.rates",
    ),
    "linear-rate-rule": Words(
        statement=say(
            "Up to a critical size the epochs stay the same if the rate grows in proportion to the "
            "batch; beyond it they grow."
        ),
        rule=say(
            "With rates in proportion to the batch, epochs to the target go as the size to a "
            "power between -0.1 and 0.1 from 5 to 100 (equivalence), and to a power of more than "
            "0.3 from 100 on (slopes on log-log axes per seed, Student's t; a miss counts as the "
            "budget, and never decides where that misleads)."
        ),
        effect=say("exponent of epochs to target over batch size (the part that decides)"),
        evidence=say(
            "With rates in proportion epochs go as the batch size to the power of {below} "
            "({below_low} to {below_high}) up to 100, and of {above} ({above_low} to "
            "{above_high}) from there to {largest}, {n} seeds; {missed} trials missed the target."
        ),
        needs=say("learning rate"),
        figure="learning_rate",
    ),
    "rate-exponent": Words(
        statement=say(
            "The best rate grows about in proportion to the batch for SGD, and with its square "
            "root for Adam."
        ),
        rule=say(
            "Four parts, all needed: the rate with the lowest validation error goes as the batch "
            "size to a power between 0.7 and 1.2 for SGD and between 0.3 and 0.7 for Adam (slopes "
            "on log-log axes per seed, Student's t; sizes whose best rate is the smallest or "
            "largest tried for some seed are left out)."
        ),
        effect=say("exponent of the best rate over batch size (the part that decides)"),
        evidence=say(
            "Over batch sizes {sizes} the best rate goes as the size to the power of {sgd} "
            "({sgd_low} to {sgd_high}) for SGD and {adam} ({adam_low} to {adam_high}) for Adam, "
            "{n} seeds."
        ),
        needs=say("rates"),
        figure="own_study.rates",
    ),
    "range-narrows": Words(
        statement=say("The larger the batch, the narrower the range of rates that work."),
        rule=say(
            "For plain SGD the range of rates whose validation error is at most twice the lowest "
            "shrinks by more than 0.2 decades with every decade of the batch size (slope per "
            "seed, Student's t; a range that the tried rates cut off is a bound, and never "
            "decides where that misleads)."
        ),
        effect=say("change of the range, decades per decade of batch size"),
        evidence=say(
            "From batch size {smallest} to {largest} the usable range goes from {first} to {last} "
            "decades, by {effect} ({low} to {high}) a decade of batch size, {n} seeds."
        ),
        needs=say("rates"),
        figure="own_study.rates",
    ),
    "half-life-rule": Words(
        statement=say(
            "Adam's memory of squared gradients should last for a number of examples, not of steps."
        ),
        rule=say(
            "Up to batch size 10 Adam reaches the target in fewer epochs by a factor of more than "
            "1.1 when that memory has a half-life in examples instead of Keras's number for all "
            "sizes (geometric mean over pairs for each seed, Student's t; a miss counts as the "
            "budget, and never decides where that misleads)."
        ),
        effect=say("speed-up in epochs to target"),
        evidence=say(
            "Over {informative} of {count} pairs (batch sizes {sizes}) a half-life in examples "
            "reaches the target {effect} ({low} to {high}) times as fast, {n} seeds."
        ),
        needs=say("half life"),
        figure="own_study.half_life",
    ),
    "batch-for-decay": Words(
        statement=say(
            "Growing the batch in the place of lowering the rate ends at the same error."
        ),
        rule=say(
            "Where the batch grows by the factor by which the rate would fall, with at most 0.75 "
            "times the updates, the final test error is neither higher nor lower by 0.3 points "
            "(equivalence, mean over pairs for each seed, Student's t)."
        ),
        effect=say("difference in test accuracy"),
        evidence=say(
            "With {updates:percent} of the updates the final test accuracy differs by "
            "{effect:points} points ({low:points} to {high:points}), {count} pairs, {n} seeds."
        ),
        needs=say("schedules"),
        figure="own_study.schedules",
        unit=POINTS,
    ),
}

REGULARIZATION: Mapping[str, Words] = {
    "decay-overfitting": Words(
        statement=say("Weight decay reduces overfitting."),
        rule=say(
            "Two parts, both needed: on the smallest training set, under the strength of decay (or "
            "L2) that is best on the other seeds, the gap between training and test accuracy "
            "shrinks by more than 0.3 points, and the test error is not higher by 0.3 points, as "
            "it is where training only gets worse (paired by seed, Student's t)."
        ),
        effect=say(
            "reduction of the generalization gap, or of the test error (the part that decides)"
        ),
        evidence=say(
            "On {images} images decay changes the gap by {closed:less} points "
            "({closed_high:less} to {closed_low:less}) with the best of {count} strengths, and the "
            "test error by {gain:less} points ({gain_high:less} to {gain_low:less}), {n} seeds."
        ),
        needs=say("regularization"),
        figure="generalization_gap",
        unit=POINTS,
    ),
    "decay-not-speed": Words(
        statement=say(
            "Weight decay improves neither the accuracy reached on the training data nor the speed "
            "of convergence."
        ),
        rule=say(
            "Two parts, both needed: no strength of decay (or L2), chosen on the other seeds, "
            "reduces the epochs to target by a factor of 1.1 or raises the final training accuracy "
            "by 0.3 points (equivalence margins, Student's t); a miss counts as the budget, and "
            "never decides where that misleads."
        ),
        effect=say("epochs with decay over epochs without, or loss of accuracy (what decides)"),
        evidence=say(
            "The best strength changes epochs to target by a factor of {slower} ({slower_low} to "
            "{slower_high}; {informative} of {count} pairs reached it) and training accuracy by "
            "{gain:points} points ({gain_low:points} to {gain_high:points}), {n} seeds."
        ),
        needs=say("regularization"),
        figure="generalization_gap",
        unit=MIXED,
    ),
    "l1-sparse": Words(
        statement=say("An L1 penalty (lasso) sets weights to zero; L2 (ridge) only shrinks them."),
        rule=say(
            "Two parts, both needed: at the strength chosen on the other seeds L1 raises the share "
            "of weights with |w| < 0.001 by more than 5 points over no penalty, and by more than "
            "5 points over L2 at its own (paired by seed, Student's t)."
        ),
        effect=say("gain in the share of near-zero weights"),
        evidence=say(
            "Over no penalty L1 changes the share of weights below 0.001 by {l1:more} points and "
            "L2 by {l2:more} points; the difference that decides is {effect:more} points "
            "({low:more} to {high:more}), {n} seeds."
        ),
        needs=say("regularization"),
        figure="sparsity",
        unit=POINTS,
    ),
}

NORMALIZATION: Mapping[str, Words] = {
    "norm-gradient-flow": Words(
        statement=say(
            "Normalization before the activation keeps gradients from vanishing on their way to "
            "the first layers."
        ),
        rule=say(
            "The gradient norm of the first layer over that of the last is larger with "
            "normalization than without by a factor of more than 1.25 at the end of training "
            "(geometric mean over pairs for each seed, Student's t); pairs of which a trial never "
            "learned or diverged are left out."
        ),
        effect=say("first-to-last ratio of gradient norms, with over without normalization"),
        evidence=say(
            "At the end of training, over the {count} of {all} pairs in which all trials learned, "
            "normalization changes the first layer's gradient norm over the last's by a factor of "
            "{effect} ({low} to {high}; {n} seeds)."
        ),
        needs=_both(say("normalization"), PROBES),
        figure="layer_norms",
        compares=True,
    ),
    "norm-speed": Words(
        statement=say(
            "With normalization training converges in fewer epochs and stands larger learning "
            "rates."
        ),
        rule=say(
            "Two parts, both needed: at the smaller rates the target takes fewer epochs by a "
            "factor of more than 1.1, and at the largest rate tried the best validation error is "
            "lower by more than one point (means over pairs for each seed, Student's t; a miss "
            "counts as the budget, and never decides where that misleads)."
        ),
        effect=say("speed-up, or reduction of error at the largest rate (the part that decides)"),
        evidence=say(
            "Normalized networks reach the target {speed} times as fast ({speed_low} to "
            "{speed_high}; {informative} of {count} pairs reached it), and at learning rate "
            "{rate} their best validation error differs by {error:less} points ({error_high:less} "
            "to {error_low:less}), {n} seeds."
        ),
        needs=say("normalization"),
        figure="normalization",
        unit=MIXED,
    ),
    "norm-initialization": Words(
        statement=say("Normalization makes training depend less on initialization."),
        rule=say(
            "Over the initial scales tried, the range of the best validation error is narrower "
            "with normalization than without by more than 0.5 points (mean over kinds for each "
            "seed, Student's t)."
        ),
        effect=say("reduction of the error's range over initial scales"),
        evidence=say(
            "Over the initial scales the error's range is {none:points} points without "
            "normalization and differs by {effect:less} points with it ({high:less} to "
            "{low:less}; {kinds}; {n} seeds)."
        ),
        needs=say("normalization"),
        figure="normalization_scales",
        unit=POINTS,
    ),
}

WORKLOAD = say("a study of every data set")
_SIGNS = say(
    "Which of two settings takes fewer epochs to the target is decided for every pair (geometric "
    "mean over seeds, Student's t; for refuting widened by Bonferroni over the pairs; a miss "
    "counts as the budget, and never decides where that misleads). Supported: known on both data "
    "sets and the same for every pair; refuted: known on both and opposite for some pair."
)
_SIGN_EFFECT = say("speed-up on the second data set of what is faster on the first")

OTHER_DATA: Mapping[str, Words] = {
    "workload-batch-size": Words(
        statement=say("A batch size that is fastest on one data set is a good choice on another."),
        rule=say(
            "On each of two data sets the size that looks fastest on the other takes less than "
            "1.25 times as long to the target as every other size (all sizes estimated together "
            "from all seeds and rounds; Student's t; for refuting widened by Bonferroni over the "
            "sizes; a miss counts as the budget, and never decides where that misleads)."
        ),
        effect=say("time to target over a rival's, on the other data set (the one that decides)"),
        evidence=say(
            "Batch size {best} is fastest on {first}, {other_best} on {other}. On {other}, {best} "
            "takes {there} ({there_low} to {there_high}) times as long as the rival that decides; "
            "on {first}, {other_best} takes {back} ({back_low} to {back_high}) times as long; up "
            "to {n} seeds a size; {missed} of {trials} trials missed the target."
        ),
        needs=WORKLOAD,
    ),
    "workload-optimizers": Words(
        statement=say("Optimizers come in the same order on another data set."),
        rule=_SIGNS,
        effect=_SIGN_EFFECT,
        evidence=say(
            "Of {informative} pairs of optimizers that reached the target ({count} tried) {same} "
            "have one order on {first} and {other}, {opposite} the opposite, and {untold} are not "
            "told apart on one of them. The pair that decides: {faster} is {speed} ({speed_low} to "
            "{speed_high}) times as fast as {slower} on {first} and {effect} ({low} to {high}) "
            "times on {other}, {n} seeds."
        ),
        needs=WORKLOAD,
    ),
    "workload-normalization": Words(
        statement=say("Normalization speeds training up, or slows it down, on both data sets."),
        rule=_SIGNS,
        effect=_SIGN_EFFECT,
        evidence=say(
            "Of {informative} comparisons of a normalization with none that reached the target "
            "({count} tried) {same} have one sign on {first} "
            "and {other}, {opposite} the opposite, and {untold} are not told apart on one of them. "
            "The one that decides: {faster} is {speed} ({speed_low} to {speed_high}) times as fast "
            "as {slower} on {first} and {effect} ({low} to {high}) times on {other}, {n} seeds."
        ),
        needs=WORKLOAD,
    ),
}

THEMES = (
    Theme(say("Batch size and time"), TIME),
    Theme(say("Batch size and accuracy"), ACCURACY),
    Theme(say("Gradients"), GRADIENTS),
    Theme(say("Optimizers and momentum"), OPTIMIZERS),
    Theme(say("Regularization"), REGULARIZATION),
    Theme(say("Normalization"), NORMALIZATION),
    Theme(say("Other data"), OTHER_DATA),
)
