"""The parts of a step, from a trace written down by hand."""

from pathlib import Path

import pytest
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from batchmark.profiling.trace import Names, Operation, read, times

NAMES = Names(
    layers=frozenset({"c1", "c1_activation", "dense", "dense_1", "logits"}),
    optimizers=frozenset({"sgd"}),
)
BODY = "while/body/_1"
MODEL = f"{BODY}/while/lenet5_1"
BACK = f"{BODY}/gradient_tape/while/lenet5_1"


def operation(name: str, kind: str, start: int, end: int) -> Operation:
    return Operation(name, kind, start, end)


# As oneDNN's operations are called in a step of LeNet-5; 5 ps between the loss and the gradient.
STEP = [
    operation(f"{BODY}/while/GatherV2", "GatherV2", 0, 3),
    operation(f"{MODEL}/c1_1/BiasAdd", "_MklNativeFusedConv2D", 3, 23),
    operation(f"{MODEL}/c1_activation_1/Tanh", "Tanh", 23, 30),
    operation(f"{MODEL}/logits_1/BiasAdd", "_MklNativeFusedMatMul", 30, 34),
    operation(f"{BODY}/while/SparseSoftmaxCrossEntropyWithLogits/SparseSoftmaxCrossEntropyWithLogits",
              "SparseSoftmaxCrossEntropyWithLogits", 34, 36),
    operation(f"{BACK}/logits_1/MatMul/MatMul_1", "_MklMatMul", 41, 47),
    operation(f"{BODY}/while/sgd/AssignSubVariableOp_8", "AssignSubVariableOp", 47, 49),
    operation(f"{BODY}/while/BroadcastTo", "BroadcastTo", 49, 53),
    operation(f"{BACK}/c1_1/convolution/Conv2DBackpropFilter",
              "_MklNativeConv2DBackpropFilterWithBias", 53, 80),
    operation("TensorArrayV2Stack/TensorListStack", "TensorListStack", 80, 81),
]  # fmt: skip


def test_every_operation_counts_for_its_part_and_layer() -> None:
    assert times(STEP, NAMES) == {
        ("forward", "", False): 3,
        ("forward", "c1", True): 20,
        ("forward", "c1", False): 7,
        ("forward", "logits", True): 4,
        # The loss, the gradient of our own pooling, and what follows the last gradient.
        ("backward", "", False): 2 + 4 + 1,
        ("between", "", False): 5,
        ("backward", "logits", True): 6,
        ("update", "", False): 2,
        ("backward", "c1", True): 27,
    }


@pytest.mark.parametrize(
    ("scopes", "layer"),
    [
        # As TensorFlow names the scopes of Keras's layers: each is opened for the second time.
        ("sequential_1/dense_1/MatMul", "dense"),
        ("sequential_1/dense_1_2/MatMul", "dense_1"),
        ("functional_2_1/dense_1_1/MatMul", "dense_1"),
        ("functional_2_1/dense_2/MatMul", "dense"),
        ("block_1/c1_1/BiasAdd", "c1"),
        ("my_1/unknown_1/MatMul", ""),
        # An operation's own name is a scope's, too; the innermost known one counts.
        ("c1_1/inner/dense_1/MatMul", "dense"),
    ],
)
def test_scopes_tell_the_layer(scopes: str, layer: str) -> None:
    assert NAMES.layer(operation(f"{BODY}/while/{scopes}", "MatMul", 0, 1)) == layer


def test_what_runs_at_the_same_time_counts_once() -> None:
    """An operation within another, and one that begins before another has ended."""
    outer = operation(f"{BODY}/while/sgd/cond", "If", 0, 10)
    inner = operation(f"{BODY}/while/sgd/cond/then/Mul", "Mul", 2, 5)
    later = operation(f"{MODEL}/c1_1/BiasAdd", "_MklNativeFusedConv2D", 9, 14)
    assert times([outer, inner, later], NAMES) == {
        ("update", "", False): 9,
        ("forward", "c1", True): 5,
    }


def test_no_operations_take_no_time() -> None:
    assert times([], NAMES) == {}


def test_the_profilers_own_marks_are_no_operations(tmp_path: Path) -> None:
    space = xplane_pb2.XSpace()  # pyrefly: ignore [missing-attribute]
    plane = space.planes.add(name="/host:CPU")
    line = plane.lines.add(timestamp_ns=7)
    for number, (name, shown) in enumerate(
        [
            ("ThreadpoolListener::Record", ""),
            ("EagerLocalExecute: _EagerConst", ""),
            ("while/body/_1/while/sgd/Mul_8:Mul", "Mul"),
        ]
    ):
        plane.event_metadata[number].name, plane.event_metadata[number].display_name = name, shown
        line.events.add(metadata_id=number, offset_ps=number, duration_ps=5)
    file = tmp_path / "vm.xplane.pb"
    file.write_bytes(space.SerializeToString())
    assert read(file) == [Operation("while/body/_1/while/sgd/Mul_8", "Mul", 7002, 7007)]
