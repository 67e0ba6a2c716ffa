"""What `time` is asked for."""

from batchmark.contract.devices import Device
from batchmark.contract.hyperparameters import Brief
from batchmark.contract.requests.budget import Budget
from batchmark.contract.requests.message import Request, Variant

# Ways of training beside the engine's graph, or one by its import path; see `timing.loops`.
LOOPS = ("fit", "fit-tuned", "torch")


class TimingSubject(Request):
    """One training graph to time and the ids of the variants it stands for."""

    id: str
    hyperparameters: Brief
    variants: list[str]
    loop: str = "graph"


class LoneRun(Request):
    """A variant that trains once more, alone and with all cores, until it is at the target.

    With the first seed of its budget. `targets`: validation accuracies by dataset.
    """

    variant: Variant
    budget: Budget
    targets: dict[str, float]


class TimeRequest(Request):
    """One timing session. `threads`: 0 means all cores; `baseline` is a subject's id.

    After `rounds` rounds more are made until all ratios to the baseline are known to within the
    share `precision`, up to `rounds_at_most` if that is more, and as many visits as those have.
    `loops`: see `LOOPS`.
    `max_seconds`: how long `min_steps` may make a visit, None for any time. `sample_min_seconds`
    replaces `min_seconds` where the embedded sample serves, unless it is None.
    """

    study: str
    machine: str
    device: Device
    subjects: list[TimingSubject]
    baseline: str
    threads: list[int]
    loops: tuple[str, ...] = ()
    rounds: int
    rounds_at_most: int | None = None
    precision: float = 0.03
    min_seconds: float
    min_steps: int
    max_seconds: float | None = None
    sample_min_seconds: float | None = None
    seed: int
    lone_runs: tuple[LoneRun, ...] = ()
