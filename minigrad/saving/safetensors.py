"""The safetensors format: named arrays in one file, and nothing else.

Layout (checked against the official package): 8 bytes with the header's length, little-endian; the header, a
JSON object of `name: {"dtype", "shape", "data_offsets": [begin, end]}` and, under `__metadata__`, strings
by name; then the arrays' bytes, little-endian, in C order, without gaps. The official package reads our files
and we read its files.

Our own files also carry a SHA-256 of the whole file (taken with zeros in its own place), so that any damage
is found before an array is used. A file is untrusted: everything in it is checked, nothing in it is run.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NoReturn

import numpy as np

from ..errors import CorruptFile, DTypeError, UnsafeFile
from .atomic import atomic_write

__all__ = ["load", "load_metadata", "loads", "save"]

DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {
        "C64": "<c8", "F64": "<f8", "I64": "<i8", "U64": "<u8", "F32": "<f4", "I32": "<i4", "U32": "<u4",
        "F16": "<f2", "I16": "<i2", "U16": "<u2", "I8": "i1", "U8": "u1", "BOOL": "?",
    }.items()
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in DTYPES.items()}

LARGEST_HEADER = 16 << 20
LARGEST_SHAPE = 1 << 40  # bytes that the sizes other than 0 of an empty array may stand for
MOST_DIMENSIONS = 32

_VERSION, _DIGEST = "minigrad.version", "minigrad.sha256"  # a file has both or neither
_NO_DIGEST = "0" * 64


def save(tensors: Mapping[str, Any], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays to a file, atomically.

    Args:
        tensors: arrays by name, in any layout and byte order; a dtype the format lacks is a `DTypeError`.
        path: the file, see `atomic_write`.
        metadata: strings by name, to be kept beside the arrays.
    """
    arrays = {name: _little_endian(name, value) for name, value in tensors.items()}
    # Widest first: so each array begins at a multiple of its item size and can be used where it lies.
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))
    if not all(isinstance(text, str) for item in (metadata or {}).items() for text in item):
        raise TypeError(f"Metadata maps strings to strings, got {metadata!r:.200}.")
    ours = {_DIGEST: _NO_DIGEST, _VERSION: "1", "format": "np"}  # the digest first: its place must be known
    header = _header(arrays, ours | dict(metadata or {}) | ours)
    chunks = [array.reshape(-1).view(np.uint8).data for array in arrays.values()]
    digest = _sha256(header, *chunks)
    with atomic_write(path) as file:
        file.write(header.replace(_NO_DIGEST.encode(), digest.encode(), 1))
        for chunk in chunks:
            file.write(chunk)


def load(path: str | os.PathLike[str], mmap: bool = False, verify: bool | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of a file, by name, in the order in which they lie.

    With `mmap` they are read-only windows on the file, read when they are used. verify: whether the checksum is
    checked, for which all of the file is read; by default not with `mmap`. Anything wrong with the file is a
    `CorruptFile` or an `UnsafeFile`, raised before any array is made.
    """
    content = _mapped(path) if mmap else np.fromfile(path, np.uint8)
    return _Reader(content, os.fsdecode(path)).tensors(verify=not mmap if verify is None else verify)


def loads(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays that a file of this content holds."""
    return _Reader(np.frombuffer(bytearray(content), np.uint8), "safetensors").tensors()


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the strings that a file keeps beside its arrays."""
    return _Reader(_mapped(path), os.fsdecode(path)).metadata


def _mapped(path: str | os.PathLike[str]) -> np.ndarray:
    """The bytes of a file, read when they are used."""
    return np.asarray(np.memmap(path, np.uint8, "r")) if os.path.getsize(path) else np.empty(0, np.uint8)


class _Reader:
    """A file's bytes, checked: first the header by itself, then each array's place and size."""

    def __init__(self, content: np.ndarray, where: str) -> None:
        self.where = where
        self.header, self.data = self._split(content)
        self.entries = self._parsed(self.header)
        self.metadata = self._checked_metadata(self.entries.pop("__metadata__", {}))

    def fail(self, what: str) -> NoReturn:
        raise CorruptFile(f"{self.where} is damaged or no safetensors file: {what}.")

    def tensors(self, verify: bool = True) -> dict[str, np.ndarray]:
        """Return the arrays, as windows on the file's bytes where they are aligned there."""
        if verify and _DIGEST in self.metadata:
            self._verify()
        places = {name: self._checked_entry(name, entry) for name, entry in self.entries.items()}
        in_order = sorted(places.items(), key=lambda item: item[1][2:])
        position, last = 0, "the header"
        for name, (_, _, begin, end) in in_order:
            if begin != position:
                kind = "gap" if begin > position else "overlap"
                self.fail(f"{kind} between {last} and tensor {name!r:.80}, at byte {position} of the data")
            position, last = end, f"tensor {name!r:.80}"
        if position != self.data.size:
            self.fail(f"the tensors end at byte {position} of the data, the file at {self.data.size}")
        return {name: self._array(name, *place) for name, place in in_order}

    def _split(self, content: np.ndarray) -> tuple[bytes, np.ndarray]:
        if content.size < 8:
            self.fail(f"it has {content.size} bytes, the length of the header alone takes 8")
        (length,) = struct.unpack("<Q", content[:8].tobytes())
        if length > content.size - 8:
            self.fail(f"a header of {length} bytes is announced, {content.size - 8} follow (cut short?)")
        if length > LARGEST_HEADER:
            raise UnsafeFile(f"{self.where} has a header of {length} bytes, the limit is {LARGEST_HEADER}.")
        return content[8 : 8 + length].tobytes(), content[8 + length :]

    def _parsed(self, header: bytes) -> dict[str, Any]:
        if not header.startswith(b"{"):
            self.fail("its header is no JSON object")
        try:
            text = header.decode()  # json would guess at UTF-16 too
            return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        except RecursionError:
            self.fail("its header is nested too deep")
        except ValueError as error:  # also for what is not UTF-8, and for a number of absurd length
            self.fail(f"its header cannot be read ({error!s:.200})")

    def _checked_metadata(self, metadata: Any) -> dict[str, str]:
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            self.fail("__metadata__ must map strings to strings")
        if (_VERSION in metadata) != (_DIGEST in metadata):
            self.fail(f"__metadata__ must have both {_VERSION} and {_DIGEST}, or neither")
        return metadata

    def _verify(self) -> None:
        digest = self.metadata[_DIGEST]
        header = self.header.replace(digest.encode(), _NO_DIGEST.encode(), 1)
        if _sha256(struct.pack("<Q", len(header)) + header, self.data) != digest:
            self.fail("its content does not match its SHA-256")

    def _checked_entry(self, name: str, entry: Any) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
        """Return dtype, shape, begin and end of an array, once they fit each other and the file."""
        tensor = f"tensor {name!r:.80}"
        if not _is_fit(name):
            raise UnsafeFile(f"{self.where}: {tensor} has a name that no weight may have.")
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            self.fail(f"{tensor} must have dtype, shape and data_offsets, and nothing else")
        shape, offsets = entry["shape"], entry["data_offsets"]
        if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
            self.fail(f"{tensor} has the unknown dtype {entry['dtype']!r:.80}")
        if not _are_naturals(shape) or len(shape) > MOST_DIMENSIONS:
            self.fail(f"{tensor} has the impossible shape {shape!r:.80}")
        if not _are_naturals(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= self.data.size:
            self.fail(f"{tensor} has the data_offsets {offsets!r:.80}, the data has {self.data.size} bytes")
        dtype = DTYPES[entry["dtype"]]
        size = offsets[1] - offsets[0]
        if dtype.itemsize * math.prod(shape) != size:
            self.fail(f"{tensor}, {dtype} of shape {shape!r:.80}, cannot have {size} bytes")
        if dtype.itemsize * math.prod(n for n in shape if n) > max(LARGEST_SHAPE, self.data.size):
            raise UnsafeFile(f"{self.where}: {tensor} has the absurd shape {shape!r:.80}.")
        return dtype, tuple(shape), offsets[0], offsets[1]

    def _array(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], begin: int, end: int) -> np.ndarray:
        raw = self.data[begin:end]
        if dtype == np.bool_ and raw.size and raw.max() > 1:
            self.fail(f"tensor {name!r:.80} is of booleans, but has bytes other than 0 and 1")
        array = raw.view(dtype).reshape(shape)
        return array if array.flags.aligned else array.copy()


def _little_endian(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _NAMES:
        raise DTypeError(f"{name!r} is of dtype {array.dtype}; a safetensors file holds {', '.join(DTYPES)}.")
    return np.asarray(array, dtype, order="C")


def _header(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Return the file's beginning: the header, padded to a multiple of 8, with its length before it."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    position = 0
    for name, array in arrays.items():
        if not _is_fit(name) or name == "__metadata__":
            raise ValueError(f"{name!r:.80} cannot be the name of a weight in a file: rename the layer.")
        offsets = [position, position + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
        position += array.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    if len(text) > LARGEST_HEADER:
        raise ValueError(f"The names and shapes of {len(arrays)} arrays take {len(text)} bytes, too much.")
    return struct.pack("<Q", len(text)) + text


def _is_fit(name: str) -> bool:
    """Whether a name is printable and, taken for a path, stays where it is."""
    parts = name.replace("\\", "/").split("/")
    return name.isprintable() and parts[0] != "" and ".." not in parts


def _are_naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    items = dict(pairs)
    if len(items) != len(pairs):
        raise ValueError("a key stands there twice")
    return items


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _sha256(*chunks: Any) -> str:
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
