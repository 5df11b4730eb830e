"""save and load: nested containers of tensors in one safetensors file. Nothing is ever unpickled, so no file runs code.

The numbers of each tensor are stored under its path in the object (``model.fc1.weight``; in a flat dict its plain key,
so that any safetensors reader finds it there). What safetensors does not know (the nesting, numbers, strings) is JSON
in the file's metadata under ``lucid``::

    {"version": 1, "object": {"dict": [["step", 3], ["weight", {"tensor": "weight"}]]}}

None, booleans, integers, finite floats and strings are themselves in it, a list is a list, and everything else is an
object with one key that says what it is: ``tensor``, ``array``, ``scalar`` (a name in the file), ``float`` (a
non-finite one), ``tuple``, ``dict``, ``OrderedDict``.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NoReturn

import numpy as np
import safetensors
import safetensors.numpy

from lucid import engine
from lucid.tensor import Tensor

METADATA_KEY = "lucid"
FORMAT_VERSION = 1
MAX_DEPTH = 100  # containers inside each other: far beyond any checkpoint, well within Python's stack
KEYS = (str, int, float, bool, type(None))
KEY_NAMES = "str, int, finite float, bool or None"
_deserialize: Callable[[bytes], Any] = safetensors.deserialize
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit

NUMPY_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
STORABLE = {np.dtype(kind) for kind in NUMPY_DTYPES.values()}


def save(obj: Any, f: str | os.PathLike[str] | BinaryIO) -> None:
    """Writes an object to a safetensors file.

    A path is replaced in one step: the file is written beside it under another name, brought to disk and renamed, so
    that a crash leaves either the old file or the new one. Tensors are stored by value: gradients, graph and
    ``requires_grad`` are not. A tensor that occurs twice (or two that are the same memory) is one again after loading.

    Args:
        obj: dicts and OrderedDicts (keys str, int, float, bool or None), lists and tuples, nested at will, of tensors,
            NumPy arrays and scalars, int, float, bool, None and str. A ``state_dict()`` of a module, an optimizer or a
            scheduler is one.
        f: a path, or a file open for writing bytes (``io.BytesIO`` too).

    Raises:
        TypeError: for any other object (the message names where it sits), or a file that takes no bytes.
        ValueError: for containers nested more than 100 deep.

    Example:
        >>> import os, tempfile, lucid
        >>> path = os.path.join(tempfile.mkdtemp(), "checkpoint.safetensors")
        >>> lucid.save({"epoch": 3, "weight": lucid.tensor([1.0, 2.0])}, path)
        >>> lucid.load(path)
        {'epoch': 3, 'weight': tensor([1., 2.])}
    """
    writer = _Writer()
    structure = json.dumps({"version": FORMAT_VERSION, "object": writer.encode(obj, (), 0)}, separators=(",", ":"))
    data = safetensors.numpy.save(writer.arrays, metadata={METADATA_KEY: structure})
    if isinstance(f, str | os.PathLike):
        _write_whole(os.path.realpath(f), data)
    elif isinstance(f, io.TextIOBase) or not hasattr(f, "write"):
        raise TypeError(f"save: expected a path or a file open for writing bytes, got {type(f).__name__}")
    else:
        f.write(data)


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
) -> Any:
    """Reads what ``save`` wrote; from another program's safetensors file, a dict of tensors.

    The file need not be trusted: it is checked before it is used, and nothing in it is run.

    Args:
        f: a path, or a file open for reading bytes, which is read to its end.
        map_location: where tensors go: None, ``"cpu"`` or the CPU's device; a dict whose values are such; or a function
            ``(tensor, "cpu")`` that returns the tensor or None.
        weights_only: True or False: such a file holds nothing but weights, numbers and text.
        mmap: None or False: the file is read, not mapped into memory.

    Returns:
        The object, every container, number and dtype as it was saved; tensors in fresh memory, without gradient.

    Raises:
        ValueError: when the file is no such file, or damaged (the message names the file and what is wrong); for
            another device, or ``mmap=True``.
        TypeError: for what is no file open for reading bytes.
        OSError: when it cannot be read.
    """
    if weights_only not in (True, False):
        raise TypeError(f"load: weights_only must be True or False, got {weights_only!r}")
    if mmap:
        raise ValueError("load: files are read, not mapped into memory; leave mmap=True out")
    place = _placing(map_location)
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as opened:
            return _Reader(os.fspath(f), place).read(opened, os.fstat(opened.fileno()).st_size)
    if isinstance(f, io.TextIOBase) or not hasattr(f, "read"):
        raise TypeError(f"load: expected a path or a file open for reading bytes, got {type(f).__name__}")
    return _Reader(str(getattr(f, "name", "the file")), place).read(f, None)


def _placing(map_location: Any) -> Callable[[Tensor], Any]:
    """What ``map_location`` does with a tensor; None or the tensor itself mean the CPU."""
    if callable(map_location):
        return lambda tensor: map_location(tensor, "cpu")
    for device in map_location.values() if isinstance(map_location, Mapping) else [map_location]:
        if device is not None and str(device).split(":")[0] != "cpu":
            raise ValueError(f"load: map_location {str(device)!r} is not there; lucid computes on the CPU")
    return lambda tensor: None


def _write_whole(path: str, data: bytes) -> None:
    """Writes a file so that it is either there in full or not at all."""
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".{uuid.uuid4().hex}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    with contextlib.suppress(OSError):  # the new name is on disk when the folder is; not every file system can do that
        folder_descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(folder_descriptor)
        finally:
            os.close(folder_descriptor)


class _Writer:
    """Turns an object into JSON, and collects its arrays under their names."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.names: dict[tuple[Any, ...], str] = {}  # of memory that was met already

    def encode(self, obj: Any, path: tuple[Any, ...], depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"save: containers nested more than {MAX_DEPTH} deep (does one contain itself?)")
        kind = type(obj)
        if obj is None or kind in (bool, int, str):
            return obj
        if kind is float:
            return obj if math.isfinite(obj) else {"float": repr(obj)}
        if isinstance(obj, Tensor):
            return {"tensor": self.store(obj.detach().numpy(), "tensor", path)}
        if kind is np.ndarray:
            return {"array": self.store(obj, "array", path)}
        if isinstance(obj, np.generic):
            return {"scalar": self.store(np.asarray(obj), "scalar", path)}
        if kind in (list, tuple):
            items = [self.encode(item, (*path, i), depth + 1) for i, item in enumerate(obj)]
            return items if kind is list else {"tuple": items}
        if kind in (dict, OrderedDict):
            for key in obj:
                if type(key) not in KEYS or key != key or key in (math.inf, -math.inf):
                    raise TypeError(f"save: {_place(path)} has the key {key!r}; keys must be {KEY_NAMES}")
            return {kind.__name__: [[key, self.encode(value, (*path, key), depth + 1)] for key, value in obj.items()]}
        raise TypeError(
            f"save: {_place(path)} is of type {kind.__module__}.{kind.__qualname__}, which cannot be stored; what can "
            "be: tensors, NumPy arrays, numbers, bool, None, str, and dict, OrderedDict, list and tuple of them"
        )

    def store(self, array: np.ndarray, kind: str, path: tuple[Any, ...]) -> str:
        """Adds an array; returns the name that stands for it."""
        native = array.dtype.newbyteorder("=")
        if native not in STORABLE:
            raise TypeError(f"save: {_place(path)} has dtype {array.dtype}, which a safetensors file cannot hold")
        wanted = ".".join(str(part) for part in path).encode(errors="replace").decode() or kind
        name, number = wanted, 2
        while name in self.arrays or name == "__metadata__":
            name, number = f"{wanted}#{number}", number + 1
        self.arrays[name] = np.asarray(array, dtype=native, order="C")
        if kind == "scalar" or not array.size:  # no memory of its own that could be met again
            return name
        memory = (kind, array.__array_interface__["data"][0], array.shape, array.strides, array.dtype)
        return self.names.setdefault(memory, name)


def _place(path: tuple[Any, ...]) -> str:
    return "the object" + "".join(f"[{part!r}]" for part in path)


class _Reader:
    """Turns a file back into the object; every complaint names the file."""

    def __init__(self, name: str, place: Callable[[Tensor], Any]) -> None:
        self.name = name
        self.place = place
        self.arrays: dict[str, np.ndarray] = {}
        self.made: dict[tuple[str, str], Any] = {}  # one object for each (kind, name), however often it occurs

    def wrong(self, what: str) -> NoReturn:
        raise ValueError(f"load: {self.name}: {what}")

    def read(self, opened: BinaryIO, size: int | None) -> Any:
        start = opened.read(8)
        if len(start) < 8:
            self.wrong(f"{len(start)} bytes long, so not a safetensors file")
        header_bytes = int.from_bytes(start, "little")
        if header_bytes > MAX_HEADER_BYTES or not 2 <= header_bytes:
            self.wrong("not a safetensors file: its first 8 bytes are no plausible header size")
        if size is not None and header_bytes > size - 8:
            self.wrong(f"cut short: the header should have {header_bytes} bytes, {size - 8} are there")
        data = start + opened.read()
        try:
            stored = _deserialize(data)
        except safetensors.SafetensorError as problem:
            self.wrong(f"not a whole safetensors file ({problem})")
        for name, tensor in stored:
            dtype = NUMPY_DTYPES.get(tensor["dtype"])
            if dtype is None:
                self.wrong(f"tensor {name!r} has dtype {tensor['dtype']}, which NumPy does not have")
            array = np.frombuffer(tensor["data"], np.uint8 if dtype is np.bool_ else dtype).reshape(tensor["shape"])
            self.arrays[name] = np.asarray(array != 0) if dtype is np.bool_ else array  # whatever byte is there: 0 or 1
        return self.decode_file(data[8 : 8 + header_bytes])

    def decode_file(self, header: bytes) -> Any:
        try:
            metadata = json.loads(header).get("__metadata__") or {}
            saved = json.loads(metadata.get(METADATA_KEY, "null"))
        except (ValueError, RecursionError) as problem:
            self.wrong(f"the description of its structure is not JSON ({problem})")
        if METADATA_KEY not in metadata:
            return {name: self.decode_array("tensor", name) for name in self.arrays}
        if not isinstance(saved, dict) or "version" not in saved or "object" not in saved:
            self.wrong("the description of its structure has no version and object")
        if saved["version"] != FORMAT_VERSION:
            self.wrong(f"written in format {saved['version']!r}; this version of lucid reads format {FORMAT_VERSION}")
        return self.decode(saved["object"], 0)

    def decode(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self.wrong(f"containers nested more than {MAX_DEPTH} deep")
        if value is None or type(value) in (bool, int, float, str):
            return value
        if type(value) is list:
            return [self.decode(item, depth + 1) for item in value]
        if len(value) != 1:
            self.wrong(f"unknown piece of structure with the keys {sorted(value)[:5]}")
        kind, content = next(iter(value.items()))
        if kind in ("tensor", "array", "scalar") and type(content) is str:
            return self.decode_array(kind, content)
        if kind == "float" and content in ("nan", "inf", "-inf"):
            return float(content)
        if kind == "tuple" and type(content) is list:
            return tuple(self.decode(item, depth + 1) for item in content)
        if kind in ("dict", "OrderedDict") and type(content) is list:
            return self.decode_dict(dict if kind == "dict" else OrderedDict, content, depth)
        self.wrong(f"unknown piece of structure {kind!r}")

    def decode_dict(self, make: Callable[[], Any], content: list[Any], depth: int) -> Any:
        result = make()
        for pair in content:
            if type(pair) is not list or len(pair) != 2 or type(pair[0]) not in KEYS:
                self.wrong(f"a dict's entry is not a pair of key ({KEY_NAMES}) and value")
            result[pair[0]] = self.decode(pair[1], depth + 1)
        return result

    def decode_array(self, kind: str, name: str) -> Any:
        if (kind, name) not in self.made:
            if name not in self.arrays:
                self.wrong(f"the structure names {kind} {name!r}, which the file does not hold")
            array = self.arrays[name].copy()  # what safetensors gives may be read-only, unaligned, a part of the file
            if kind == "tensor":
                try:
                    made = engine.wrap(array)
                except TypeError as problem:
                    self.wrong(f"tensor {name!r}: {problem}")
                placed = self.place(made)
                if placed is not None and placed is not made:
                    raise ValueError(
                        "load: there is only the CPU; map_location must return the tensor it was given, or None"
                    )
            elif kind == "scalar":
                if array.ndim:
                    self.wrong(f"scalar {name!r} has shape {array.shape}")
                made = array[()]
            else:
                made = array
            self.made[kind, name] = made
        return self.made[kind, name]
