# ruff: noqa: PLR0917 what a loop is given
"""Loops as a user may write them, good ones and bad ones; for the tests."""

import itertools
import os
from collections import Counter
from typing import Any, cast

import keras
import tensorflow as tf


def train(model, optimizer, images, labels, batch_size, steps):
    """One eager step after the other, over the images in their order."""
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    starts = itertools.cycle(range(0, len(images) - batch_size + 1, batch_size))
    for start in itertools.islice(starts, steps):
        part = slice(start, start + batch_size)
        with tf.GradientTape() as tape:
            loss = cast(Any, loss_of(labels[part], model(images[part], training=True)))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)


def raises(*_):
    """Has no idea."""
    raise RuntimeError("out of ideas")


def returns_early(model, optimizer, images, labels, batch_size, steps):
    """Makes one step less."""
    train(model, optimizer, images, labels, batch_size, steps - 1)


def trains_another(model, optimizer, images, labels, batch_size, steps):
    """Counts the steps, and moves nothing."""
    optimizer.iterations.assign_add(steps)


CALLS = Counter()


def tires(model, optimizer, images, labels, batch_size, steps):
    """Serves as often as preparing takes at most, which two visits exceed."""
    CALLS[id(model)] += 1
    if CALLS[id(model)] > 5:
        raise RuntimeError("out of breath")
    train(model, optimizer, images, labels, batch_size, steps)


def ends(*_):
    """Takes its process with it."""
    os._exit(3)
