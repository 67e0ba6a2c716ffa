"""Operations counted in graphs against counts by hand."""

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf

from batchmark.timing.arithmetic import count

BATCH = 3


def gradient_graph(layers: list[Any], shape: tuple[int, ...]) -> Any:
    """The graph of the gradients of a model's summed output."""
    model = keras.Sequential([keras.Input(shape), *layers])

    def step(inputs: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(inputs, training=True) ** 2)
        return tape.gradient(total, model.trainable_variables)

    return tf.function(step).get_concrete_function(tf.TensorSpec((BATCH, *shape)))


def test_one_dense_layer() -> None:
    graph = gradient_graph([keras.layers.Dense(5)], (4,))
    # Forward and weights' gradient: 2 x 3 x 4 x 5 each; the input's gradient is not needed.
    assert count(graph.graph, graph.outputs) == 2 * (2 * BATCH * 4 * 5)


def test_two_dense_layers_need_the_gradient_between_them() -> None:
    graph = gradient_graph([keras.layers.Dense(5), keras.layers.Dense(6)], (4,))
    assert count(graph.graph, graph.outputs) == 2 * (2 * BATCH * 4 * 5) + 3 * (2 * BATCH * 5 * 6)


@pytest.mark.parametrize(("padding", "positions"), [("valid", 6 * 5), ("same", 8 * 7)])
def test_one_convolution(padding: str, positions: int) -> None:
    graph = gradient_graph([keras.layers.Conv2D(4, 3, padding=padding)], (8, 7, 2))
    # Every output position sums 3 x 3 x 2 products for each of 4 filters.
    forward = 2 * BATCH * positions * 4 * (3 * 3 * 2)
    assert count(graph.graph, graph.outputs) == 2 * forward


def test_two_convolutions() -> None:
    layers = [keras.layers.Conv2D(4, 3), keras.layers.Conv2D(5, 2)]
    graph = gradient_graph(layers, (8, 7, 2))
    first = 2 * BATCH * (6 * 5) * 4 * (3 * 3 * 2)
    second = 2 * BATCH * (5 * 4) * 5 * (2 * 2 * 4)
    assert count(graph.graph, graph.outputs) == 2 * first + 3 * second


def test_a_depthwise_convolution() -> None:
    graph = gradient_graph([keras.layers.DepthwiseConv2D(3)], (8, 7, 2))
    assert count(graph.graph, graph.outputs) == 2 * (2 * BATCH * (6 * 5) * 2 * (3 * 3))


def test_a_convolution_of_volumes() -> None:
    graph = gradient_graph([keras.layers.Conv3D(4, 2)], (5, 4, 3, 2))
    assert count(graph.graph, graph.outputs) == 2 * (2 * BATCH * (4 * 3 * 2) * 4 * (2**3 * 2))


def counted(function: Callable[..., Any], *shapes: tuple[int, ...]) -> float | None:
    specs = [tf.TensorSpec(shape) for shape in shapes]
    graph = tf.function(function).get_concrete_function(*specs)
    return count(graph.graph, graph.outputs)


def test_einstein_sums() -> None:
    # b, i, j and k take all values together.
    assert counted(lambda x, y: tf.einsum("bij,bjk->bik", x, y), (5, 2, 3), (5, 3, 4)) == 240
    # XLA's reading of a transposition: nothing is multiplied.
    assert counted(lambda x: tf.raw_ops.Einsum(inputs=[x], equation="ij->ji"), (2, 3)) == 0


def test_products_inside_a_called_function() -> None:
    inner = tf.function(tf.linalg.matmul, autograph=False)
    assert counted(lambda x, y: inner(inner(x, y), y), (2, 3), (3, 3)) == 2 * (2 * 2 * 3 * 3)


def test_products_in_a_loop_are_not_counted_but_other_loops_do_no_harm() -> None:
    def loop(body: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(lambda x: tf.norm(x) < 1, lambda x: [body(x)], [x])[0]

    assert counted(lambda x: loop(lambda y: y @ y, x), (3, 3)) is None
    assert counted(lambda x: loop(lambda y: y + y, x) @ x, (3, 3)) == 2 * 3**3


def test_operations_that_hide_their_products_are_not_counted() -> None:
    assert counted(lambda x, y: tf.raw_ops.SparseMatMul(a=x, b=y), (2, 3), (3, 4)) is None


def test_unknown_shapes_are_not_counted() -> None:
    product = tf.function(tf.linalg.matmul)
    spec = tf.TensorSpec((None, 3))
    graph = product.get_concrete_function(spec, tf.TensorSpec((3, 2)))
    assert count(graph.graph, graph.outputs) is None
