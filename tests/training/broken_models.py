"""Own models that make a mistake each."""

import sys

import keras

from batchmark.training.model import Blueprint

NUMBER = 3


def raises(blueprint: Blueprint) -> keras.Model:
    raise RuntimeError("out of ideas\nsecond line")


def no_model(blueprint: Blueprint) -> int:
    return NUMBER


def narrow(blueprint: Blueprint) -> keras.Model:
    images = blueprint.images()
    return keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(images)))


def unregularized(blueprint: Blueprint) -> keras.Model:
    images = blueprint.images()
    flat = keras.layers.Flatten()(images)
    return keras.Model(images, keras.layers.Dense(blueprint.classes)(flat))


def gives_up(blueprint: Blueprint) -> keras.Model:
    raise RuntimeError


def exits(blueprint: Blueprint) -> keras.Model:
    sys.exit("enough")
