"""Pickles of plain data, interpreted here: the ``pickle`` module is not involved and nothing in the file is run.

The official python batches of CIFAR are pickled dictionaries of arrays and lists. This interpreter knows the
instructions that build containers, numbers, strings and bytes, and three names of numpy's, for which it puts together
arrays of numbers itself. A file that names anything else is refused.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifarzoo.errors import DataError

MAX_INSTRUCTIONS = 1_000_000  # in one file; the largest official one, of CIFAR-100, has some 250,000
_MAX_DIMENSIONS = 8
_ITEM_TYPES = {"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "b1"}


class _Mark:
    """The bottom of a group on the stack."""


@dataclass
class _Type:
    """numpy's description of one item."""

    code: str
    order: str = "<"


@dataclass
class _Array:
    """A numpy array that is being put together."""

    parts: dict[str, Any] = field(default_factory=dict)

    def finish(self) -> np.ndarray:
        """The array, its bytes counted."""
        shape, kind, content = (self.parts.get(key) for key in ("shape", "type", "content"))
        if isinstance(shape, tuple) and len(shape) > _MAX_DIMENSIONS:
            raise DataError(f"has an array of more than {_MAX_DIMENSIONS} dimensions")
        if not isinstance(kind, _Type) or kind.code not in _ITEM_TYPES or not isinstance(shape, tuple):
            raise DataError("has an array of something other than numbers")
        if not isinstance(content, bytes | bytearray) or not all(
            type(side) is int and 0 <= side < 2**40 for side in shape
        ):
            raise DataError("has an array without bytes or shape")
        dtype = np.dtype(kind.code).newbyteorder(">" if kind.order == ">" else "<")
        count = dtype.itemsize
        for side in shape:
            count *= side
        if count != len(content):
            raise DataError(f"has an array of {len(content)} bytes where its shape {shape} needs {count}")
        return np.frombuffer(content, dtype).reshape(shape, order=self.parts.get("order", "C"))


def _named(module: Any, name: Any) -> str:
    """What stands for one of the few names that a file may use; every other is refused."""
    home, known_as = _text(module).replace("numpy._core", "numpy.core"), _text(name)
    known = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
        ("__builtin__", "bytes"),
    }
    if (home, known_as) not in known:
        raise DataError(f"names {module}.{name}, which is not data; get the official archive")
    return known_as


def _call(name: Any, arguments: Any) -> Any:
    """What the few legal calls give."""
    if name == "dtype":
        return _Type(_text(arguments[0]))
    if name == "_reconstruct" and arguments[0] == "ndarray":
        return _Array()
    if name == "_frombuffer":
        content, kind, shape, order = arguments
        return _Array({"content": content, "type": kind, "shape": shape, "order": "F" if order == "F" else "C"})
    if name == "encode":  # bytes, as Python 3 writes them for Python 2
        return arguments[0].encode("latin-1")
    if name == "bytes" and arguments == ():  # and how it writes none
        return b""
    raise DataError("calls something that is not data; get the official archive")


def _text(value: Any) -> str:
    """A string as it is; the ``str`` of a nest of tuples could take any amount of memory."""
    if not isinstance(value, str):
        raise DataError(f"has a {type(value).__name__} in the place of a text; get the official archive")
    return value


def _set_state(target: Any, state: Any) -> None:
    """Numpy's ``__setstate__`` for the two things that have one."""
    if isinstance(target, _Type):
        target.order = _text(state[1])
    elif isinstance(target, _Array):
        _, shape, kind, fortran, content = state
        target.parts = {"shape": shape, "type": kind, "content": content, "order": "F" if fortran else "C"}
    else:
        raise DataError("sets the state of something that is not data; get the official archive")


class _Machine:
    """The stack, the memo, and what each instruction does to them."""

    def __init__(self, left_bytes: int) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.left_bytes = left_bytes  # that may still be made of texts

    def group(self) -> list[Any]:
        """Everything above the last mark."""
        place = len(self.stack) - 1
        while not isinstance(self.stack[place], _Mark):
            place -= 1
            if place < 0:
                raise DataError("has a group without a beginning")
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def tuple_of(self, count: int) -> None:
        """Replace the uppermost items by a tuple of them."""
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(items)

    def reduce(self) -> None:
        """Call a name with arguments."""
        arguments, name = self.stack.pop(), self.stack.pop()
        self.stack.append(self.paid(_call(name, arguments)))

    def paid(self, made: Any) -> Any:
        """What a call has given, if the file is as large as all bytes so made: one text could be made bytes often."""
        self.left_bytes -= len(made) if isinstance(made, bytes) else 0
        if self.left_bytes < 0:
            raise DataError("makes more bytes than it has; get the official archive")
        return made

    def build(self) -> None:
        """Set a state."""
        state, target = self.stack.pop(), self.stack[-1]
        _set_state(target, state)
        if isinstance(target, _Array) and isinstance(target.parts["content"], str):  # as Python 2 writes bytes
            target.parts["content"] = self.paid(target.parts["content"].encode("latin-1"))

    def set_items(self, items: list[Any]) -> None:
        """Put pairs into the dictionary on top."""
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | bytes | int):  # the hash of a deep tuple would overflow the processor's stack
                raise DataError(f"has a key of type {type(key).__name__}; get the official archive")
            self.stack[-1][key] = value

    def extend(self) -> None:
        """Put a group at the end of the list below it."""
        items = self.group()
        self.stack[-1].extend(items)

    def make_dict(self) -> None:
        """Replace a group of keys and values by a dictionary."""
        items = self.group()
        self.stack.append({})
        self.set_items(items)

    def pop_pair(self) -> list[Any]:
        """The two uppermost items, the lower one first."""
        value, key = self.stack.pop(), self.stack.pop()
        return [key, value]


_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "MARK": _Mark}
_ACTIONS: dict[str, Callable[[_Machine, Any], Any]] = {
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "POP": lambda machine, _: machine.stack.pop(),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.group())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "LIST": lambda machine, _: machine.stack.append(machine.group()),
    "APPEND": lambda machine, _: machine.stack[-2].append(machine.stack.pop()),
    "APPENDS": lambda machine, _: machine.extend(),
    "DICT": lambda machine, _: machine.make_dict(),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop_pair()),
    "SETITEMS": lambda machine, _: machine.set_items(machine.group()),
    "PUT": lambda machine, place: machine.memo.__setitem__(place, machine.stack[-1]),
    "GET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "MEMOIZE": lambda machine, _: machine.memo.__setitem__(len(machine.memo), machine.stack[-1]),
    "GLOBAL": lambda machine, name: machine.stack.append(_named(*name.split(" ", 1))),
    "STACK_GLOBAL": lambda machine, _: machine.stack.append(_named(*machine.pop_pair())),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
}
for _short in ("BINPUT", "LONG_BINPUT"):
    _ACTIONS[_short] = _ACTIONS["PUT"]
for _short in ("BINGET", "LONG_BINGET"):
    _ACTIONS[_short] = _ACTIONS["GET"]


def load(content: bytes, *, where: str) -> Any:
    """The data of a pickle.

    Args:
        content: the whole file.
        where: the file's name, for messages.

    Returns:
        Dictionaries, lists, tuples, numbers, strings (Python 2's strings of bytes as latin-1), bytes and arrays.

    Raises:
        DataError: it is no pickle, is damaged, or holds anything but data.
    """
    try:
        return _run(content)
    except DataError as error:
        raise DataError(f"{where} {error}") from None
    except Exception as error:  # whatever a damaged file makes of the stack
        raise DataError(f"{where} is a damaged pickle ({type(error).__name__}: {error}); get it anew") from None


def _run(content: bytes) -> Any:
    """Interpret the instructions one by one."""
    machine = _Machine(len(content))
    for count, (code, argument, _) in enumerate(pickletools.genops(io.BytesIO(content))):
        if count > MAX_INSTRUCTIONS:
            raise DataError(f"has more than the limit of {MAX_INSTRUCTIONS} instructions")
        if code.name in _PUSHED:
            machine.stack.append(argument)
        elif code.name in _CONSTANTS:
            machine.stack.append(_CONSTANTS[code.name])
        elif code.name in _EMPTY:
            machine.stack.append(_EMPTY[code.name]())
        elif code.name in _ACTIONS:
            _ACTIONS[code.name](machine, argument)
        elif code.name == "STOP":
            return _finished(machine.stack.pop())
        else:
            raise DataError(f"uses the instruction {code.name}, which plain data do not need; get it anew")
    raise DataError("is a damaged pickle without an end; get it anew")


def _finished(value: Any) -> Any:
    """The value, or the dictionary, with its arrays put together."""
    if isinstance(value, dict):
        return {key: item.finish() if isinstance(item, _Array) else item for key, item in value.items()}
    return value.finish() if isinstance(value, _Array) else value
