"""LLVM in few words: functions over arrays of float32, loops, vectors; compiled for this processor.

What is kept from step to step of a loop is a `Cell`; LLVM moves it from memory into a register.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

FLOAT, LONG, INT, BYTE = ir.FloatType(), ir.IntType(64), ir.IntType(32), ir.IntType(8)
POINTER = ir.PointerType()
SIZES = {FLOAT: 4, INT: 4, BYTE: 1}


class Value:
    """A number or vector in the making; Python's numbers beside it become constants of its type."""

    def __init__(self, builder: ir.IRBuilder, value: Any) -> None:
        self.builder, self.value = builder, value

    @property
    def lanes(self) -> int:
        """How many numbers a vector holds, 0 for a number."""
        return self.value.type.count if isinstance(self.value.type, ir.VectorType) else 0

    def like(self, other: Any) -> "Value":
        """`other` as a value of this type."""
        if isinstance(other, Value):
            return other
        constant = [other] * self.lanes if self.lanes else other
        return Value(self.builder, ir.Constant(self.value.type, constant))

    def __add__(self, other: Any) -> "Value":
        return self._with("add", other)

    def __sub__(self, other: Any) -> "Value":
        return self._with("sub", other)

    def __mul__(self, other: Any) -> "Value":
        return self._with("mul", other)

    def __truediv__(self, other: Any) -> "Value":
        return self._with("div", other)

    def __lt__(self, other: Any) -> "Value":
        return self._compared("<", other)

    def __gt__(self, other: Any) -> "Value":
        return self._compared(">", other)

    def remainder(self, divisor: int) -> "Value":
        """Of an integer that is not negative."""
        return Value(self.builder, self.builder.srem(self.value, self.like(divisor).value))

    def equals(self, other: Any) -> "Value":
        """Whether, lane by lane."""
        return self._compared("==", other)

    def choose(self, this: "Value", other: Any) -> "Value":
        """`this` where this value is true, else `other`."""
        chosen = self.builder.select(self.value, this.value, this.like(other).value)
        return Value(self.builder, chosen)

    def _with(self, name: str, other: Any) -> "Value":
        kind = "" if isinstance(self.value.type, ir.IntType) else "f"
        operation = getattr(self.builder, kind + name)
        return Value(self.builder, operation(self.value, self.like(other).value))

    def _compared(self, sign: str, other: Any) -> "Value":
        integer = isinstance(self.value.type, ir.IntType)
        compare = self.builder.icmp_signed if integer else self.builder.fcmp_ordered
        return Value(self.builder, compare(sign, self.value, self.like(other).value))


class Cell:
    """A variable of a function."""

    def __init__(self, builder: ir.IRBuilder, start: Value) -> None:
        self._builder, self._type = builder, start.value.type
        with builder.goto_entry_block():
            self._place = builder.alloca(self._type)
        self.set(start)

    def get(self) -> Value:
        """What it holds."""
        return Value(self._builder, self._builder.load(self._place, typ=self._type))

    def set(self, value: Value) -> None:
        """Hold something else."""
        self._builder.store(value.value, self._place)

    def add(self, value: Value) -> None:
        """Hold the sum."""
        self.set(self.get() + value)


class Function:
    """A function of pointers, then of int64 numbers, without a result.

    No two of the pointers may lead to the same memory if one of them is written to.
    """

    def __init__(self, module: ir.Module, name: str, pointers: int, numbers: int = 0) -> None:
        kinds = [POINTER] * pointers + [LONG] * numbers
        self.module = module
        self.ir = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
        self.ir.attributes.add("noinline")
        self.builder = ir.IRBuilder(self.ir.append_basic_block())
        for argument in self.ir.args:
            if argument.type == POINTER:
                argument.add_attribute("noalias")
        self.arguments = [Value(self.builder, argument) for argument in self.ir.args]

    def end(self) -> "Function":
        """The function, complete."""
        self.builder.ret_void()
        return self

    def number(self, number: "int | Value") -> Value:
        """An int64."""
        return number if isinstance(number, Value) else self.constant(number, LONG)

    def constant(self, number: float, kind: Any = FLOAT, lanes: int = 0) -> Value:
        """The number, or a vector of it."""
        of = ir.VectorType(kind, lanes) if lanes else kind
        return Value(self.builder, ir.Constant(of, [number] * lanes if lanes else number))

    @contextmanager
    def loop(self, start: "int | Value", stop: "int | Value", step: int = 1) -> Iterator[Value]:
        """What is built within is repeated for each number of the range, which it is given."""
        builder, last = self.builder, self.number(stop)
        before = builder.block
        head, body, after = (self.ir.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(LONG)
        index.add_incoming(self.number(start).value, before)
        counter = Value(builder, index)
        builder.cbranch((counter < last).value, body, after)
        builder.position_at_end(body)
        yield counter
        index.add_incoming((counter + step).value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    def at(self, array: Value, index: "int | Value", kind: Any = FLOAT) -> Value:
        """The array from an element on."""
        element = self.builder.gep(array.value, [self.number(index).value], source_etype=kind)
        return Value(self.builder, element)

    def load(self, array: Value, index: "int | Value", lanes: int = 0, kind: Any = FLOAT) -> Value:
        """An element, or as many as there are lanes."""
        whole = ir.VectorType(kind, lanes) if lanes else kind
        place = self.at(array, index, kind).value
        return Value(self.builder, self.builder.load(place, typ=whole, align=SIZES[kind]))

    def store(self, value: Value, array: Value, index: "int | Value", kind: Any = FLOAT) -> None:
        """Write a number or a vector."""
        self.builder.store(value.value, self.at(array, index, kind).value, align=SIZES[kind])

    def long(self, number: Value) -> Value:
        """An int64 of a shorter one."""
        return Value(self.builder, self.builder.sext(number.value, LONG))

    def floats(self, numbers: Value) -> Value:
        """Float32 of integers, bytes without a sign."""
        kind = ir.VectorType(FLOAT, numbers.lanes) if numbers.lanes else FLOAT
        converted = self.builder.uitofp(numbers.value, kind)
        return Value(self.builder, converted)

    def spread(self, number: Value, lanes: int) -> Value:
        """A vector of one number."""
        none = ir.Constant(ir.VectorType(number.value.type, lanes), ir.Undefined)
        first = self.builder.insert_element(none, number.value, ir.Constant(INT, 0))
        order = ir.Constant(ir.VectorType(INT, lanes), [0] * lanes)
        return Value(self.builder, self.builder.shuffle_vector(first, none, order))

    def cells(self, values: Sequence[Value]) -> list[Cell]:
        """Variables that begin with the values."""
        return [Cell(self.builder, value) for value in values]

    def fused(self, one: Value, other: Value, more: Value) -> Value:
        """one · other + more, rounded once."""
        return self.intrinsic("fma", one, other, more)

    def intrinsic(self, name: str, *values: Value) -> Value:
        """LLVM's function of that name."""
        kind = values[0].value.type
        full = f"llvm.{name}." + (f"v{kind.count}f32" if values[0].lanes else "f32")
        signature = ir.FunctionType(kind, [kind] * len(values))
        function = self.module.globals.get(full) or ir.Function(self.module, signature, full)
        return Value(self.builder, self.builder.call(function, [value.value for value in values]))

    def sums(self, vectors: Sequence[Value]) -> Value:
        """The sum over the lanes of each of as many vectors as there are lanes."""
        left = list(vectors)
        while len(left) > 1:
            left = [self._pairs(*left[i : i + 2]) for i in range(0, len(left), 2)]
        return left[0]

    def call(self, function: "Function", *arguments: "int | Value") -> None:
        """Call another function of the module."""
        self.builder.call(function.ir, [self.number(argument).value for argument in arguments])

    def _pairs(self, one: Value, other: Value) -> Value:
        halves = []
        for start in (0, 1):
            order = ir.Constant(ir.VectorType(INT, one.lanes), [*range(start, 2 * one.lanes, 2)])
            shuffled = self.builder.shuffle_vector(one.value, other.value, order)
            halves.append(Value(self.builder, shuffled))
        return halves[0] + halves[1]


class Compiled:
    """The functions of a module as machine code."""

    def __init__(self, module: ir.Module) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
        )
        parsed = llvm.parse_assembly(str(module))
        # Loops are unrolled and vectors formed already where that pays.
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
        passes = llvm.create_pass_builder(machine, options)
        passes.getModulePassManager().run(parsed, passes)
        self._engine = llvm.create_mcjit_compiler(parsed, machine)
        self._engine.finalize_object()

    def function(self, name: str, parameters: int, numbers: int) -> Callable[..., None]:
        """A function of pointers, then of int64, as one of Python."""
        types = [ctypes.c_void_p] * parameters + [ctypes.c_int64] * numbers
        address = self._engine.get_function_address(name)
        return ctypes.CFUNCTYPE(None, *types)(address)
