"""The safetensors reader and writer: round trips, the official package, and files that lie."""

from __future__ import annotations

import json
import struct
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.errors import CorruptFile, DTypeError, MinigradError, UnsafeFile
from minigrad.saving import safetensors

DTYPES = st.sampled_from("? i1 u1 <i2 <u2 <i4 <u4 <i8 <u8 <f2 <f4 <f8 <c8 >i2 >u4 >i8 >f2 >f4 >f8 >c8".split())
LAYOUTS = st.sampled_from([lambda a: a, lambda a: a.T, lambda a: a[::-1] if a.ndim else a, np.asfortranarray])
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="./\\"), min_size=1)


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    native = a.dtype.newbyteorder("=")
    return a.shape == b.shape and native == b.dtype and a.astype(native).tobytes() == b.tobytes()


@given(tensors=st.dictionaries(NAMES, st.tuples(ARRAYS, LAYOUTS).map(lambda x: x[1](x[0])), max_size=5))
def test_what_is_saved_is_loaded(tmp_path_factory, tensors):
    path = tmp_path_factory.mktemp("round") / "weights.safetensors"
    safetensors.save(tensors, path)
    for loaded in (
        safetensors.load(path),
        safetensors.load(path, mmap=True),
        safetensors.loads(path.read_bytes()),
    ):
        assert loaded.keys() == tensors.keys()
        assert all(same(tensors[name], loaded[name]) for name in tensors)
        assert all(array.flags.aligned for array in loaded.values())


def test_special_values_keep_their_bits(tmp_path):
    bits = np.array([0x7FC00001, 0xFF800000, 0x80000000, 1], np.uint32)
    safetensors.save({"x": bits.view(np.float32)}, tmp_path / "x")
    assert safetensors.load(tmp_path / "x")["x"].view(np.uint32).tolist() == bits.tolist()


def test_the_layout_is_the_one_described(tmp_path):
    path = tmp_path / "x"
    tensors = {
        "b": np.ones(3, "i1"),
        "d": np.ones(2, "f8"),
        "f": np.ones((1, 2), "f4"),
        "s": np.array(1, "f8"),
    }
    safetensors.save(tensors, path, {"who": "me"})
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    header = json.loads(content[8 : 8 + length])
    assert list(header) == ["__metadata__", "d", "s", "f", "b"]  # widest first
    assert header["f"] == {"dtype": "F32", "shape": [1, 2], "data_offsets": [24, 32]}
    assert content[8 + length + 24 :] == np.ones(2, "<f4").tobytes() + b"\1\1\1"
    assert header["__metadata__"]["format"] == "np"
    assert safetensors.load_metadata(path)["who"] == "me"
    safetensors.save(tensors, path, safetensors.load_metadata(path))
    assert path.read_bytes() == content


def test_loaded_arrays_can_be_written_to_and_mapped_ones_not(tmp_path):
    safetensors.save({"x": np.zeros(3)}, tmp_path / "x")
    safetensors.load(tmp_path / "x")["x"][0] = 1
    mapped = safetensors.load(tmp_path / "x", mmap=True)["x"]
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 1


def test_a_mapped_file_is_not_read_until_it_is_used(tmp_path):
    safetensors.save({"x": np.zeros(4_000_000, "f4")}, tmp_path / "x")
    tracemalloc.start()
    try:
        assert safetensors.load(tmp_path / "x", mmap=True)["x"][-1] == 0
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.reset_peak()
        safetensors.load(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 2 * 16_000_000 + (8 << 20)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "array", [np.array([object()]), np.zeros(2, "c16"), np.array(["a"]), np.array("2013", "M8[D]")]
)
def test_what_the_format_lacks_is_refused(tmp_path, array):
    with pytest.raises(DTypeError, match="'layer/x' is of dtype"):
        safetensors.save({"layer/x": array}, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "/x", "..\\x", "a\0b", "a\nb", "\u202e", "", "__metadata__", "\ud800"]
)
def test_unfit_names_are_not_written(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be the name of a weight"):
        safetensors.save({name: np.zeros(1)}, tmp_path / "x")


@pytest.mark.parametrize("name", ["a.b", "model..x", "embedding_1/embeddings", "größe/κ", "a b", ".x"])
def test_other_names_are(tmp_path, name):
    safetensors.save({name: np.zeros(1)}, tmp_path / "x")
    assert list(safetensors.load(tmp_path / "x")) == [name]


def test_metadata_maps_strings_to_strings(tmp_path):
    with pytest.raises(TypeError, match="strings to strings"):
        safetensors.save({}, tmp_path / "x", {"epoch": 3})


# Files that were damaged.


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.safetensors"
    weights = {
        "embedding_1/embeddings": np.arange(12.0, dtype="f4").reshape(4, 3),
        "on": np.array([True, False]),
    }
    safetensors.save(weights, path, {"note": "a"})
    return path


def test_a_cut_at_any_byte_is_found(small):
    content = small.read_bytes()
    for end in range(len(content)):
        small.write_bytes(content[:end])
        with pytest.raises(CorruptFile):
            safetensors.load(small)
        with pytest.raises(CorruptFile):
            safetensors.load(small, mmap=True)


def test_any_flipped_bit_is_found(small):
    content = small.read_bytes()
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((CorruptFile, UnsafeFile)):
            safetensors.loads(bytes(flipped))


def test_anything_appended_is_found(small):
    small.write_bytes(small.read_bytes() + b"\0")
    with pytest.raises(CorruptFile, match=r"small\.safetensors is damaged"):
        safetensors.load(small)


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_random_bytes_raise_nothing_else(noise, length):
    for content in (noise, struct.pack("<Q", length) + b'{"' + noise):
        with suppress(MinigradError):
            safetensors.loads(content)


# Files that were made to harm.


def made(header, data=b"", length=None):
    """A file with this header and data, and no checksum to give it away."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


FOUR = b"\0" * 4

DAMAGED = {
    "empty": b"",
    "seven bytes": b"\0" * 7,
    "header of 2^63": made({}, length=1 << 63),
    "header beyond the file": made({}, length=3),
    "header that ends early": made({"a": entry()}, FOUR, length=5),
    "no header": made(b""),
    "not UTF-8": made(b'{"\xff": 1}'),
    "UTF-16": made('{"a": 1}'.encode("utf-16-le")),
    "BOM": made(b"\xef\xbb\xbf{}"),
    "bad JSON": made(b"{a}"),
    "list": made(b"[]"),
    "leading space": made(b" {}"),
    "two objects": made(b"{}{}"),
    "deep": made(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "NaN": made(b'{"a": NaN}'),
    "long number": made(b'{"a": ' + b"9" * 10_000 + b"}"),
    "duplicate name": made(b'{"a":%b,"a":%b}' % ((json.dumps(entry()).encode(),) * 2), FOUR),
    "duplicate field": made(b'{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', FOUR),
    "unknown field": made({"a": entry(more=1)}, FOUR),
    "missing field": made({"a": {"dtype": "F32", "shape": [1]}}, FOUR),
    "entry that is a list": made({"a": [1]}, FOUR),
    "overlap": made({"a": entry(), "b": entry()}, FOUR),
    "partial overlap": made({"a": entry(shape=[2], offsets=(0, 8)), "b": entry(offsets=(4, 8))}, FOUR * 2),
    "many on the same bytes": made({f"a{i}": entry() for i in range(1000)}, FOUR),
    "gap": made({"a": entry(), "b": entry(offsets=(8, 12))}, FOUR * 3),
    "gap at the beginning": made({"a": entry(offsets=(4, 8))}, FOUR * 2),
    "trailing": made({"a": entry()}, FOUR + b"x"),
    "data without tensors": made({}, b"x"),
    "truncated": made({"a": entry()}, FOUR[:3]),
    "shape and size differ": made({"a": entry(shape=[2])}, FOUR),
    "negative offset": made({"a": entry(offsets=(-4, 0))}, FOUR),
    "negative size": made({"a": entry(shape=[-1, -1])}, FOUR),
    "end before begin": made({"a": entry(offsets=(4, 0))}, FOUR),
    "end beyond 64 bits": made({"a": entry(offsets=(0, 1 << 70))}, FOUR),
    "size beyond 64 bits": made({"a": entry(shape=[1 << 40, 1 << 40])}, FOUR),
    "float size": made({"a": entry(shape=[1.0])}, FOUR),
    "size true": made({"a": entry(shape=[True])}, FOUR),
    "size as text": made({"a": entry(shape=["1"])}, FOUR),
    "shape null": made({"a": {"dtype": "F32", "shape": None, "data_offsets": [0, 4]}}, FOUR),
    "three offsets": made({"a": entry(offsets=(0, 4, 4))}, FOUR),
    "65 dimensions": made({"a": entry(shape=[1] * 65)}, FOUR),
    "unknown dtype": made({"a": entry("F31")}, FOUR),
    "dtype object": made({"a": entry("O")}, FOUR),
    "dtype list": made({"a": entry(["F32"])}, FOUR),
    "boolean 2": made({"a": entry("BOOL", [4])}, b"\0\1\2\0"),
    "metadata number": made({"__metadata__": {"a": 1}}),
    "metadata list": made({"__metadata__": []}),
    "checksum without a version": made({"__metadata__": {"minigrad.sha256": "0" * 64}}),
    "wrong checksum": made({"__metadata__": {"minigrad.sha256": "0" * 64, "minigrad.version": "1"}}),
}

HARMFUL = {
    "header of 17 MB": made(b"{" + b" " * (17 << 20) + b"}"),
    "name that climbs": made({"../../x": entry()}, FOUR),
    "name that climbs backwards": made({"..\\x": entry()}, FOUR),
    "absolute name": made({"/etc/x": entry()}, FOUR),
    "NUL in a name": made({"a\0": entry()}, FOUR),
    "escape in a name": made({"\x1b]8;;": entry()}, FOUR),
    "lone surrogate": made(b'{"\\ud800":%b}' % json.dumps(entry()).encode(), FOUR),
    "empty name": made({"": entry()}, FOUR),
    "empty but absurd": made({"a": entry(shape=[0, 1 << 45], offsets=(0, 0))}),
    "empty beyond NumPy": made({"a": entry(shape=[1 << 62, 0, 1 << 62], offsets=(0, 0))}),
}


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    ("content", "error"),
    [
        *(pytest.param(content, CorruptFile, id=name) for name, content in DAMAGED.items()),
        *(pytest.param(content, UnsafeFile, id=name) for name, content in HARMFUL.items()),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path, content, error, mmap):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    if mmap and "sha256" in repr(content[:200]) and b"version" in content:
        assert safetensors.load(path, mmap=True) == {}  # mapped files are not read through
        return
    with pytest.raises(error, match=r"bad\.safetensors"):
        safetensors.load(path, mmap=mmap)


def test_good_files_of_others_are_read():
    loads = safetensors.loads
    assert loads(made({})) == {}
    assert loads(made({"a": entry()}, b"\0\0\x80\x3f"))["a"].tolist() == [1.0]
    assert loads(made({"a": entry(shape=[0, 7], offsets=(0, 0)), "b": entry()}, FOUR))["a"].shape == (0, 7)
    unaligned = {
        "b": entry("BOOL", [1], (0, 1)),
        "a": entry("F64", [1], (1, 9)),
        "__metadata__": {"format": "pt"},
    }
    assert loads(made(unaligned, b"\1" + np.float64(3).tobytes()))["a"].tolist() == [3.0]
    out_of_order = {"b": entry(offsets=(4, 8)), "a": entry("I32")}
    assert list(loads(made(out_of_order, b"\1\0\0\0" + FOUR))) == ["a", "b"]


def test_a_folder_and_a_missing_file_are_the_systems_errors(tmp_path):
    for mmap in (False, True):
        with pytest.raises(IsADirectoryError):
            safetensors.load(tmp_path, mmap=mmap)
        with pytest.raises(FileNotFoundError):
            safetensors.load(tmp_path / "nothing", mmap=mmap)


# The official package, where it is installed.


@given(tensors=st.dictionaries(NAMES, ARRAYS.filter(lambda a: a.dtype.kind != "c"), max_size=4))
def test_the_official_package_reads_ours_and_we_its(tmp_path_factory, tensors):
    official = pytest.importorskip("safetensors.numpy")
    path = tmp_path_factory.mktemp("official") / "x.safetensors"
    safetensors.save(tensors, path)
    theirs = official.load_file(path)
    assert theirs.keys() == tensors.keys()
    assert all(same(tensors[name], theirs[name]) for name in tensors)
    official.save_file({name: np.asarray(a, a.dtype.newbyteorder("="), order="C") for name, a in tensors.items()}, path)
    ours = safetensors.load(path)
    assert ours.keys() == tensors.keys()
    assert all(same(tensors[name], ours[name]) for name in tensors)
