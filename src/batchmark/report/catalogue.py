"""Which figures there are, where they belong, and which a plan asks for. Imports nothing heavy."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Section = Literal["answer", "study", "hood"]


@dataclass(frozen=True)
class Entry:
    """One figure: a module of `report.figures`.

    `study`: drawn from this study's variants; empty when it needs none in particular.
    `probed`: needs gradient probes. `section`: where on the page it stands.
    """

    name: str
    section: Section
    study: str = ""
    probed: bool = False


ENTRIES = (
    Entry("time_to_target", "answer", "batch_size"),
    Entry("test_error", "study", "batch_size"),
    Entry("learning_curves", "study", "batch_size"),
    Entry("cost_model", "study", "batch_size"),
    Entry("sensitivity", "study", "batch_size"),
    Entry("learning_rate", "study", "learning_rate"),
    Entry("optimizer", "study", "optimizer"),
    Entry("optimizer_time", "study", "optimizer"),
    Entry("profile", "study", "optimizer"),
    Entry("rprop", "study", "rprop"),
    Entry("momentum", "study", "momentum"),
    Entry("generalization_gap", "study", "regularization"),
    Entry("sparsity", "study", "regularization"),
    Entry("normalization", "study", "normalization"),
    Entry("normalization_rates", "study", "normalization"),
    Entry("normalization_scales", "study", "normalization"),
    Entry("train_size", "study", "train_size"),
    Entry("model", "study", "model"),
    Entry("threads", "study", "device"),
    Entry("gradient_cosine", "hood", probed=True),
    Entry("noise_scale", "hood", probed=True),
    Entry("gradient_magnitudes", "hood", probed=True),
    Entry("layer_norms", "hood", probed=True),
    Entry("throughput", "hood"),
    Entry("devices", "hood"),
    Entry("memory", "hood"),
    Entry("machines", "hood"),
    Entry("timing_noise", "hood"),
)
BY_NAME = {entry.name: entry for entry in ENTRIES}
OWN = "own_study"
HEADLINE = "batch_size"


def figures_for(axes_by_study: Mapping[str, Collection[str]], probed: bool = False) -> list[str]:
    """The figures of a plan with these studies, in the order of the page.

    Any study over batch sizes may be the one that the headline figures show. A study that no
    figure was made for gets the general one: `own_study.{study}`.
    """
    made_for = {entry.study for entry in ENTRIES}
    studies = set(axes_by_study)
    if any(HEADLINE in axes for axes in axes_by_study.values()):
        studies.add(HEADLINE)
    return [
        entry.name
        for entry in ENTRIES
        if (not entry.study or entry.study in studies) and (probed or not entry.probed)
    ] + [f"{OWN}.{study}" for study in axes_by_study if study not in made_for]


def module_of(figure: str) -> str:
    """The module that draws a figure; what follows a dot in its name is the study it is given."""
    return f"batchmark.report.figures.{figure.partition('.')[0]}"


def known(figure: str) -> bool:
    """Whether there is such a figure."""
    return figure in BY_NAME or figure.startswith(f"{OWN}.")


def of_study(figures: Iterable[str], study: str, headline: str = HEADLINE) -> list[str]:
    """Those of `figures` that belong into the section of a study; `headline` names the main one."""
    made_for = HEADLINE if study == headline else study
    return [
        name
        for name in figures
        if name == f"{OWN}.{study}"
        or (name in BY_NAME and (BY_NAME[name].section, BY_NAME[name].study) == ("study", made_for))
    ]
