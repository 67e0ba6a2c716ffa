"""Operations counted in graphs against counts by hand."""

import keras
import pytest
import tensorflow as tf

from batchmark.measuring.flops import count

BATCH = 3


def gradient_graph(layers, shape):
    """The graph of the gradients of a model's summed output."""
    model = keras.Sequential([keras.Input(shape), *layers])

    def step(inputs):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(inputs, training=True) ** 2)
        return tape.gradient(total, model.trainable_variables)

    return tf.function(step).get_concrete_function(tf.TensorSpec((BATCH, *shape)))


def test_one_dense_layer():
    graph = gradient_graph([keras.layers.Dense(5)], (4,))
    # Forward and weights' gradient: 2 x 3 x 4 x 5 each; the input's gradient is not needed.
    assert count(graph.graph, graph.outputs) == 2 * (2 * BATCH * 4 * 5)


def test_two_dense_layers_need_the_gradient_between_them():
    graph = gradient_graph([keras.layers.Dense(5), keras.layers.Dense(6)], (4,))
    assert count(graph.graph, graph.outputs) == 2 * (2 * BATCH * 4 * 5) + 3 * (2 * BATCH * 5 * 6)


@pytest.mark.parametrize(("padding", "positions"), [("valid", 6 * 5), ("same", 8 * 7)])
def test_one_convolution(padding, positions):
    graph = gradient_graph([keras.layers.Conv2D(4, 3, padding=padding)], (8, 7, 2))
    # Every output position sums 3 x 3 x 2 products for each of 4 filters.
    forward = 2 * BATCH * positions * 4 * (3 * 3 * 2)
    assert count(graph.graph, graph.outputs) == 2 * forward


def test_two_convolutions():
    layers = [keras.layers.Conv2D(4, 3), keras.layers.Conv2D(5, 2)]
    graph = gradient_graph(layers, (8, 7, 2))
    first = 2 * BATCH * (6 * 5) * 4 * (3 * 3 * 2)
    second = 2 * BATCH * (5 * 4) * 5 * (2 * 2 * 4)
    assert count(graph.graph, graph.outputs) == 2 * first + 3 * second


def test_a_depthwise_convolution():
    graph = gradient_graph([keras.layers.DepthwiseConv2D(3)], (8, 7, 2))
    assert count(graph.graph, graph.outputs) == 2 * (2 * BATCH * (6 * 5) * 2 * (3 * 3))


def test_unknown_shapes_are_not_counted():
    product = tf.function(tf.linalg.matmul)
    spec = tf.TensorSpec((None, 3))
    graph = product.get_concrete_function(spec, tf.TensorSpec((3, 2)))
    assert count(graph.graph, graph.outputs) is None
