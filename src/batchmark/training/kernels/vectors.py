"""LLVM in few words: functions, arrays, loops and vectors of float32, compiled as they run."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

FLOAT, LONG, BYTE, POINTER = ir.FloatType(), ir.IntType(64), ir.IntType(8), ir.PointerType()


def _operator(name: str) -> Callable[["Value", Any], "Value"]:
    def compute(one: "Value", other: Any) -> "Value":
        operands, builder = (one.value, one.like(other).value), one.builder
        integer = isinstance(one.value.type, ir.IntType)
        if name in ("<", ">", "=="):
            compare = builder.icmp_signed if integer else builder.fcmp_ordered
            return Value(builder, compare(name, *operands))
        return Value(builder, getattr(builder, name if integer else f"f{name}")(*operands))

    return compute


class Value:
    """A number or vector in the making; Python's numbers beside it become constants of its type.

    `lanes`: how many numbers a vector holds, 0 for a number.
    """

    def __init__(self, builder: ir.IRBuilder, value: Any) -> None:
        self.builder, self.value = builder, value
        self.lanes: int = getattr(value.type, "count", 0)

    __add__, __sub__, __mul__, __truediv__ = map(_operator, ("add", "sub", "mul", "div"))
    __lt__, __gt__, equals = map(_operator, ("<", ">", "=="))

    def like(self, other: Any) -> "Value":
        """`other` as a value of this type."""
        if isinstance(other, Value):
            return other
        constant = [other] * self.lanes if self.lanes else other
        return Value(self.builder, ir.Constant(self.value.type, constant))

    def choose(self, this: Any, other: "Value") -> "Value":
        """`this` where this value is true, else `other`."""
        chosen = self.builder.select(self.value, other.like(this).value, other.value)
        return Value(self.builder, chosen)

    def limited(self, low: Any, high: Any) -> "Value":
        """The nearest within the limits; of NaN, NaN."""
        raised = (self < low).choose(low, self)
        return (raised > high).choose(high, raised)

    def fused(self, factor: "Value", more: Any) -> "Value":
        """self · factor + more, rounded once."""
        return self.intrinsic("fma", factor, self.like(more))

    def intrinsic(self, name: str, *others: "Value") -> "Value":
        """LLVM's function of that name for float32."""
        kind, values = self.value.type, [self.value, *(other.value for other in others)]
        full = f"llvm.{name}." + (f"v{self.lanes}f32" if self.lanes else "f32")
        module, signature = self.builder.module, ir.FunctionType(kind, [kind] * len(values))
        function = module.globals.get(full) or ir.Function(module, signature, full)
        return Value(self.builder, self.builder.call(function, values))

    def shuffled(self, other: "Value", order: Sequence[int]) -> "Value":
        """Numbers of this vector and then of the other, by their places."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), [*order])
        return Value(self.builder, self.builder.shuffle_vector(self.value, other.value, mask))


class Array:
    """Numbers of a kind in memory, from a place on."""

    def __init__(self, builder: ir.IRBuilder, pointer: Any, kind: ir.Type) -> None:
        self.builder, self.pointer, self.kind = builder, pointer, kind

    def at(self, index: int | Value) -> "Array":
        """The array from an element on."""
        place = index.value if isinstance(index, Value) else ir.Constant(LONG, index)
        pointer = self.builder.gep(self.pointer, [place], source_etype=self.kind)
        return Array(self.builder, pointer, self.kind)

    def load(self, lanes: int = 0) -> Value:
        """The first number, or a vector of the first; bytes as float32."""
        whole, floats = (ir.VectorType(t, lanes) if lanes else t for t in (self.kind, FLOAT))
        loaded = self.builder.load(self.pointer, typ=whole, align=1)
        wanted = self.builder.uitofp(loaded, floats) if self.kind is BYTE else loaded
        return Value(self.builder, wanted)

    def spread(self, lanes: int) -> Value:
        """A vector of the first number."""
        none = Value(self.builder, ir.Constant(ir.VectorType(FLOAT, lanes), ir.Undefined))
        one = self.builder.insert_element(none.value, self.load().value, ir.Constant(LONG, 0))
        return Value(self.builder, one).shuffled(none, [0] * lanes)

    def store(self, value: Value) -> None:
        """Write a number or a vector."""
        self.builder.store(value.value, self.pointer, align=1)


class Code:
    """A module in the making: what is built becomes part of the function that is open."""

    def __init__(self) -> None:
        self.module, self.builder = ir.Module(), ir.IRBuilder()

    def array(self, name: str, count: int) -> Array:
        """Memory for so many float32, zero at first."""
        memory: Any = ir.GlobalVariable(self.module, ir.ArrayType(FLOAT, count), name)
        memory.initializer, memory.align = ir.Constant(memory.value_type, None), 64
        # Not to the array as a whole: elements are stored where it leads.
        memory.type = POINTER
        return Array(self.builder, memory, FLOAT)

    @contextmanager
    def function(self, name: str, arrays: Sequence[ir.Type], numbers: int) -> Iterator[list[Any]]:
        """A function without a result of arrays of these kinds, then of integers."""
        kinds = [POINTER] * len(arrays) + [LONG] * numbers
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.attributes.add("noinline")
        self.builder.position_at_end(function.append_basic_block())
        given = [Array(self.builder, *pair) for pair in zip(function.args, arrays, strict=False)]
        yield [*given, *(Value(self.builder, number) for number in function.args[len(arrays) :])]
        self.builder.ret_void()

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the module."""
        values = [a.pointer if isinstance(a, Array) else self.number(a).value for a in arguments]
        self.builder.call(self.module.globals[name], values)

    def number(self, number: int | Value) -> Value:
        """An integer."""
        known = isinstance(number, Value)
        return number if known else Value(self.builder, ir.Constant(LONG, number))

    def zero(self, lanes: int) -> Value:
        """A vector of zeros."""
        return Value(self.builder, ir.Constant(ir.VectorType(FLOAT, lanes), None))

    @contextmanager
    def loop(
        self, stop: int | Value, values: dict[int, Value] | None = None, *, step: int = 1
    ) -> Iterator[Value]:
        """What is built within is repeated for each number of the range, which it is given.

        `values` go from turn to turn in registers: the body replaces them, the last of them remain.
        """
        values = {} if values is None else values
        builder, before, end = self.builder, self.builder.block, self.number(stop)
        first = [self.number(0), *values.values()]
        head, body, after = (builder.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        phis = [builder.phi(value.value.type) for value in first]
        index, *turn = (Value(builder, phi) for phi in phis)
        builder.cbranch((index < end).value, body, after)
        builder.position_at_end(body)
        values.update(zip(values, turn, strict=True))
        yield index
        following = [index + step, *values.values()]
        for phi, one, other in zip(phis, first, following, strict=True):
            phi.add_incoming(one.value, before)
            phi.add_incoming(other.value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        values.update(zip(values, turn, strict=True))


class Compiled:
    """The functions of a module as machine code of this processor, and their memory."""

    def __init__(self, code: Code) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
        )
        parsed = llvm.parse_assembly(str(code.module))
        # Loops are unrolled and vectors formed already where that pays.
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
        passes = llvm.create_pass_builder(machine, options)
        passes.getModulePassManager().run(parsed, passes)
        self._engine = llvm.create_mcjit_compiler(parsed, machine)
        self._engine.finalize_object()

    def call(self, name: str, *arguments: NDArray[Any] | int) -> None:
        """Call a function with arrays, of the kinds that it wants, and integers."""
        arrays = [each.ctypes.data if isinstance(each, np.ndarray) else each for each in arguments]
        function = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(arguments))
        function(self._engine.get_function_address(name))(*arrays)

    def array(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """An array."""
        floats = ctypes.c_float * int(np.prod(shape))
        place = floats.from_address(self._engine.get_global_value_address(name))
        return np.ctypeslib.as_array(place).reshape(shape)
