"""Floating-point operations: what a step needs and what the machine can do."""

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import tensorflow as tf

from batchmark.contract.devices import KINDS, Device
from batchmark.timing.protocol import elapsed_seconds


def count(graph: tf.Graph, results: Iterable[tf.Tensor]) -> float | None:
    """FLOPs of one execution of `graph` up to `results` and its side effects.

    None when they cannot be told before execution: a shape is not known, products stand in a loop
    or a branch, or in an operation that hides them.
    """
    try:
        return float(_total(graph, results))
    except (TypeError, ValueError):
        return None


def _total(graph: tf.Graph, results: Iterable[tf.Tensor]) -> int:
    return sum(_operations(op) for op in _needed(graph, results))


def _needed(graph: tf.Graph, results: Iterable[tf.Tensor]) -> set[tf.Operation]:
    """Operations that results and control outputs (assignments to weights) depend on."""
    waiting = [tensor.op for tensor in results] + list(getattr(graph, "control_outputs", []))
    needed: set[tf.Operation] = set()
    while waiting:
        operation = waiting.pop()
        if operation not in needed:
            needed.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return needed


def _operations(operation: tf.Operation) -> int:
    counted = _COUNTS.get(operation.type)
    if counted:
        return counted(operation)
    if operation.type in _HIDDEN:
        raise ValueError(f"{operation.type} does not tell what it multiplies")
    inner = sum(_total(body, body.outputs) for body in _bodies(operation))
    # A plain call runs its function once, a loop or a branch who knows how often.
    if inner and operation.type not in _CALLS:
        raise ValueError(f"{operation.type} runs its functions an unknown number of times")
    return inner


def _bodies(operation: tf.Operation) -> list[Any]:
    """The graphs of the functions that the operation names in its attributes."""
    names = [value.func.name for value in operation.node_def.attr.values() if value.func.name]
    names += [
        function.name for value in operation.node_def.attr.values() for function in value.list.func
    ]
    return [operation.graph._get_function(name).graph for name in names]


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


def _einsum(operation: tf.Operation) -> int:
    """Of two factors: every combination of their indices is a multiply-add."""
    equation = operation.get_attr("equation").decode()
    if "..." in equation:
        raise ValueError(f"the indices of {equation!r} are not all named")
    sizes: dict[str, Any] = {}
    for letters, factor in zip(
        equation.partition("->")[0].split(","), operation.inputs, strict=True
    ):
        sizes |= dict(zip(letters, factor.shape.as_list(), strict=True))
    return 2 * prod(sizes.values()) if len(operation.inputs) == 2 else 0


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
    "Conv3D": _convolution,
    "Conv3DBackpropInputV2": _convolution_input_gradient,
    "Conv3DBackpropFilterV2": _convolution_filter_gradient,
    "MatMul": lambda op: _product_of_matrices(op, "transpose_a"),
    "BatchMatMul": lambda op: _product_of_matrices(op, "adj_x"),
    "BatchMatMulV2": lambda op: _product_of_matrices(op, "adj_x"),
    "BatchMatMulV3": lambda op: _product_of_matrices(op, "adj_x"),
    "Einsum": _einsum,
}
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_HIDDEN = {"CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "SparseMatMul", "SparseTensorDenseMatMul"}


REPETITIONS = 5
# What a product costs beside its arithmetic is a hundredth of that at most.
LONG_SECONDS = 0.005


def matrix_product_peak(device: Device) -> float:
    """FLOP/s of the fastest square float32 products, of several sizes and repetitions."""
    kind, rates = KINDS[device], [0.0]
    # Which size is fastest depends on caches and cores; beyond a long one none is faster.
    for size in kind.sizes:
        rates.append(fastest(size, kind.products))
        if 2 * size**3 > LONG_SECONDS * rates[-1]:
            break
    return max(rates)


def fastest(size: int, products: int, repetitions: int = REPETITIONS) -> float:
    """FLOP/s of `products` matrix products one after the other, the best of `repetitions`."""
    # So scaled, a product has the spread of its factor.
    matrix = tf.random.stateless_normal((size, size), seed=(0, 1)) / size**0.5

    @tf.function(autograph=False)
    def product() -> tf.Tensor:
        result = matrix
        for _ in range(products):
            result = tf.matmul(result, matrix)
        return tf.reduce_sum(result[0])

    # Fetching the sum waits for the device; the first call traces the graph.
    product().numpy()
    seconds = min(elapsed_seconds(lambda: product().numpy()) for _ in range(repetitions))
    return 2 * size**3 * products / seconds
