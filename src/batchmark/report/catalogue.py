"""Which figures there are: one row each. Imports nothing heavy, and drawing does not import it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from batchmark.contract.errors import UserError
from batchmark.report.language.messages import Message, say

Section = Literal["answer", "study", "hood"]


@dataclass(frozen=True)
class Entry:
    """One figure: the function `name` of `report.figures.{module}`.

    `question`: what it asks of the data; its title where they hold no finding. `section`: where on
    the page it stands. `study`: drawn from this study's variants; empty when it needs none in
    particular. `probed`: needs gradient probes; `profiled`: profiles of steps.
    """

    name: str
    module: str
    question: Message
    section: Section = "study"
    study: str = ""
    probed: bool = False
    profiled: bool = False


HEADLINE = "batch_size"
OWN = "own_study"
# One row a figure, in the order of the page.
ENTRIES = (
    Entry(
        "time_to_target",
        "headline",
        say("Which batch size reaches the target first?"),
        section="answer",
        study="batch_size",
    ),
    Entry(
        "test_error",
        "accuracy",
        say("Which batch size ends with the lowest test error?"),
        study="batch_size",
    ),
    Entry("learning_curves", "accuracy", say("How does the error fall?"), study="batch_size"),
    Entry(
        "cost_model",
        "headline",
        say("Do epochs and seconds follow the simple model?"),
        study="batch_size",
    ),
    Entry(
        "prediction",
        "prediction",
        say("Can the fastest batch size be predicted?"),
        study="batch_size",
        probed=True,
    ),
    Entry(
        "sensitivity", "headline", say("Does the answer depend on the target?"), study="batch_size"
    ),
    Entry(
        "best_over_target",
        "headline",
        say("How does the fastest batch size move with the target?"),
        study="batch_size",
    ),
    Entry(
        "learning_rate",
        "optimizers",
        say("How should the learning rate follow the batch size?"),
        study="learning_rate",
    ),
    Entry(
        "optimizer",
        "optimizers",
        say("How many epochs does each optimizer need?"),
        study="optimizer",
    ),
    Entry(
        "optimizer_time", "optimizers", say("How long does each optimizer take?"), study="optimizer"
    ),
    Entry(
        "profile", "optimizers", say("Which optimizer is fastest most often?"), study="optimizer"
    ),
    Entry("rprop", "optimizers", say("Does Rprop suit the full batch only?"), study="rprop"),
    Entry(
        "momentum", "optimizers", say("How many epochs does each momentum need?"), study="momentum"
    ),
    Entry(
        "generalization_gap",
        "regularization",
        say("What narrows the generalization gap?"),
        study="regularization",
    ),
    Entry("sparsity", "regularization", say("What sets weights to zero?"), study="regularization"),
    Entry(
        "normalization",
        "regularization",
        say("How many epochs does each normalization need?"),
        study="normalization",
    ),
    Entry(
        "normalization_rates",
        "regularization",
        say("Which learning rates does each normalization stand?"),
        study="normalization",
    ),
    Entry(
        "normalization_scales",
        "regularization",
        say("Which initial scales does each normalization stand?"),
        study="normalization",
    ),
    Entry(
        "train_size",
        "accuracy",
        say("Does the best batch size grow with the data?"),
        study="train_size",
    ),
    Entry("model", "accuracy", say("Does the best batch size depend on the model?"), study="model"),
    Entry(
        "threads", "machines", say("From which batch size on do more threads help?"), study="device"
    ),
    Entry("loops", "machines", say("What does the loop that trains change?"), study="loops"),
    Entry(
        "gradient_cosine",
        "gradients",
        say("How close is a batch's gradient to the full one?"),
        section="hood",
        probed=True,
    ),
    Entry(
        "noise_scale",
        "gradients",
        say("At which batch size do noise and signal balance?"),
        section="hood",
        probed=True,
    ),
    Entry(
        "gradient_magnitudes",
        "gradients",
        say("How widely do gradients spread over the weights?"),
        section="hood",
        probed=True,
    ),
    Entry(
        "layer_norms",
        "gradients",
        say("How do gradients change from layer to layer?"),
        section="hood",
        probed=True,
    ),
    Entry("throughput", "machines", say("How many examples a second?"), section="hood"),
    Entry(
        "step_parts",
        "steps",
        say("Where does the time of a step go?"),
        section="hood",
        profiled=True,
    ),
    Entry("devices", "machines", say("From which batch size on does a GPU help?"), section="hood"),
    Entry("memory", "machines", say("How much memory does a batch need?"), section="hood"),
    Entry(
        "machines",
        "machines",
        say("Does the fastest batch size depend on the machine?"),
        section="hood",
    ),
    Entry(
        "timing_noise", "machines", say("Which differences can be told from noise?"), section="hood"
    ),
)
BY_NAME = {entry.name: entry for entry in ENTRIES}


def figures_for(
    axes_by_study: Mapping[str, Collection[str]], *, probed: bool = False, profiled: bool = False
) -> list[str]:
    """The figures of a plan with these studies, in the order of the page.

    Any study over batch sizes may be the one that the headline figures show. A study that no
    figure was made for gets the general one: `own_study.{study}`.
    """
    known = set(axes_by_study)
    if any(HEADLINE in axes for axes in axes_by_study.values()):
        known.add(HEADLINE)
    return _figures_of(known, probed, profiled) + _general(axes_by_study)


def figures_of_page(studies: Collection[str]) -> list[str]:
    """The figures that a page with these studies has room for, in its order."""
    return _figures_of({HEADLINE, *studies}, probed=True, profiled=True) + _general(studies)


def _figures_of(studies: Collection[str], probed: bool, profiled: bool) -> list[str]:
    return [
        entry.name
        for entry in ENTRIES
        if (not entry.study or entry.study in studies)
        and (probed or not entry.probed)
        and (profiled or not entry.profiled)
    ]


def _general(studies: Iterable[str]) -> list[str]:
    made_for = {entry.study for entry in ENTRIES}
    return [f"{OWN}.{study}" for study in studies if study not in made_for]


def module_of(figure: str) -> str:
    """The module that draws a figure; what follows a dot in its name is the study it is given.

    Raises UserError when there is no such figure.
    """
    name = figure.partition(".")[0]
    if name != OWN and figure not in BY_NAME:
        raise UserError(f"there is no figure {figure!r}; choose one of {', '.join(BY_NAME)}.")
    return f"batchmark.report.figures.{OWN if name == OWN else BY_NAME[name].module}"


def of_study(figures: Iterable[str], study: str, headline: str = HEADLINE) -> list[str]:
    """Those of `figures` that belong into the section of a study; `headline` names the main one."""
    made_for = HEADLINE if study == headline else study
    return [
        name
        for name in figures
        if name == f"{OWN}.{study}"
        or (name in BY_NAME and (BY_NAME[name].section, BY_NAME[name].study) == ("study", made_for))
    ]


def of_section(figures: Iterable[str], section: Section) -> list[str]:
    """Those of `figures` that belong into a section of the page."""
    return [name for name in figures if name in BY_NAME and BY_NAME[name].section == section]
