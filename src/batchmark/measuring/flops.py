"""Floating point operations of a training step, counted from its graph.

Counted are convolutions and matrix products, two operations a multiply-add, forward and backward,
as far as the graph's results depend on them. Elementwise work is left out: it is small, and the
peak it is compared with is a matrix product's. TensorFlow's own profiler overestimates the
gradients of unpadded convolutions and counts operations that are pruned before execution.
"""

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import tensorflow as tf


def count(graph: tf.Graph, results: Iterable[tf.Tensor]) -> float | None:
    """FLOPs of one execution of `graph` up to `results` and its side effects.

    None when a shape is not known before execution.
    """
    try:
        return float(sum(_operations(op) for op in _needed(graph, results)))
    except (TypeError, ValueError):
        return None


def _needed(graph: tf.Graph, results: Iterable[tf.Tensor]) -> set[tf.Operation]:
    """Operations that results and control outputs (assignments to weights) depend on."""
    waiting = [tensor.op for tensor in results] + list(getattr(graph, "control_outputs", []))
    found: set[tf.Operation] = set()
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return found


def _operations(operation: tf.Operation) -> int:
    counted = _COUNTS.get(operation.type)
    return counted(operation) if counted else 0


def _convolution(operation: tf.Operation) -> int:
    return _multiply_adds(operation.outputs[0], operation.inputs[1].shape[:-1])


def _convolution_input_gradient(operation: tf.Operation) -> int:
    return _multiply_adds(operation.inputs[2], operation.inputs[1].shape[:-1])


def _convolution_filter_gradient(operation: tf.Operation) -> int:
    return _multiply_adds(operation.inputs[2], operation.outputs[0].shape[:-1])


def _depthwise(output: tf.Tensor, kernel: tf.Tensor) -> int:
    return _multiply_adds(output, kernel.shape[:2])


def _product_of_matrices(operation: tf.Operation, transposed: str) -> int:
    """`transposed` names the attribute that says so of the left matrix."""
    left = operation.inputs[0].shape
    summed = left[-2] if operation.get_attr(transposed) else left[-1]
    return _multiply_adds(operation.outputs[0], [summed])


def _multiply_adds(output: tf.Tensor, summed: Any) -> int:
    """Twice the elements of the output (or of its gradient) times the terms summed for each."""
    sizes: list[Any] = output.shape.as_list()
    return 2 * prod(sizes) * prod(summed)


_COUNTS: dict[str, Callable[[tf.Operation], int]] = {
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _convolution_input_gradient,
    "Conv2DBackpropFilter": _convolution_filter_gradient,
    "DepthwiseConv2dNative": lambda op: _depthwise(op.outputs[0], op.inputs[1]),
    "DepthwiseConv2dNativeBackpropInput": lambda op: _depthwise(op.inputs[2], op.inputs[1]),
    "DepthwiseConv2dNativeBackpropFilter": lambda op: _depthwise(op.inputs[2], op.outputs[0]),
    "MatMul": lambda op: _product_of_matrices(op, "transpose_a"),
    "BatchMatMulV2": lambda op: _product_of_matrices(op, "adj_x"),
}
