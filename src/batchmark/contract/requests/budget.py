"""How long a run may train, and when it is evaluated."""

import math
from typing import Literal

from batchmark.contract.requests.message import Request

# Of its 60,000, those that remain beside 10,000 for validation, as in the published study.
MNIST_TRAINING_IMAGES = 50_000


class Budget(Request):
    """How long a run trains. Units: epochs, trials, examples, seconds.

    `validation_images`: so many of them, the first, are scored; None: all. `test_images`: so many
    of them, and at most as many training images, are scored at the end of a trial; None: all, and
    ACCURACY_IMAGES. `evaluate_every` None: once per epoch. `evaluate_finely`: epochs after which it
    is once per epoch, None: never; see `evaluation_steps`. `sample_epochs_times` is at most how
    many times as many epochs the embedded sample is given, see `on_sample`.
    """

    epochs: float
    trials: int
    first_seed: int
    evaluate_every: int | None
    evaluate_finely: float | None = None
    validation_images: int | None = None
    test_images: int | None = None
    not_learning_after: float
    sample_epochs_times: float
    deterministic: bool

    def on_sample(self, images: int, train_size: int | Literal["full"]) -> "Budget":
        """The budget when a sample of `images` training images serves.

        Its epochs are short where more images are asked for by `train_size`: there it is given
        more epochs, never more steps, and as many evaluations an epoch.
        """
        # The budgets in configurations are meant for so many images.
        wanted = MNIST_TRAINING_IMAGES if train_size == "full" else train_size
        share, every = min(1.0, images / wanted), self.evaluate_every
        finely = self.evaluate_finely
        times = min(self.sample_epochs_times, 1 / share)
        return self.model_copy(
            update={
                "epochs": self.epochs * times,
                "not_learning_after": self.not_learning_after * times,
                "evaluate_every": None if every is None else max(1, round(every * share)),
                "evaluate_finely": None if finely is None else finely * times,
            }
        )


def evaluation_steps(
    total_steps: int,
    steps_per_epoch: int,
    batch_size: int,
    evaluate_every: int | None,
    evaluate_finely: float | None = None,
) -> list[int]:
    """The steps after which the validation set is scored; the last step is always one.

    Every `evaluate_every` examples, at the first step that has seen as many; None: every epoch.
    After `evaluate_finely` epochs every epoch, unless the interval is longer.
    """
    epoch = steps_per_epoch * batch_size
    interval = evaluate_every or epoch
    later = max(epoch, interval)
    finely = total_steps if evaluate_finely is None else round(evaluate_finely * steps_per_epoch)
    early, late = min(finely, total_steps) * batch_size, total_steps * batch_size
    seen = {*range(interval, early + 1, interval)}
    seen |= {examples for examples in range(later, late + 1, later) if examples > early}
    marks = {math.ceil(examples / batch_size) for examples in seen}
    return sorted({mark for mark in marks if mark <= total_steps} | {total_steps})
