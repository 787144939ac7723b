"""Tables in files: NumPy's .npy format, mapped into memory, so that the system holds there what is in use.

A file is untrusted: its header is checked, and its size, before anything is mapped. While a table is open, its file is
locked, on systems with flock (all but Windows): a second one that opens it, in this process or another, gets an error.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

from ..errors import CorruptFile, StorageError, UnsafeFile, WeightsError

if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["Storage"]

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
Fill = Callable[[np.ndarray], object]


class Storage:
    """The files of one table, open: `months.npy`, and beside it `months.adam.momentum.npy` and so on for its slots.

    path: that of the table; a file that is there already is checked when its array is asked for, a new one is made.

    Raises StorageError if the file is in use.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fsdecode(path)
        self._stem, ending = os.path.splitext(self.path)
        if ending != ".npy":
            raise ValueError(f"storage={self.path!r}: a table's file is in NumPy's format, so its name ends in .npy")
        self._mark = f"{self._stem}.behind"
        self._maps: list[mmap] = []
        self._in_order = True
        self.closed = False
        self._file = locked(self.path)
        self._release = finalize(self, release, self._file)
        self.is_new = os.fstat(self._file).st_size == 0
        if os.path.exists(self._mark) and not self.is_new:
            warnings.warn(
                f"{self.path} was not closed when it was last in use (a crash?): rows that lagged behind the optimizer "
                "lack the steps that they missed. Its close() ends this warning",
                stacklevel=2,
            )

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype, fill: Fill) -> np.ndarray:
        """The array in the file of this name, "" for the table's own; `fill` writes the first values of a new one.

        Raises CorruptFile, UnsafeFile or WeightsError, and changes nothing, if a file is there that does not fit.
        """
        path = f"{self._stem}.{name}.npy" if name else self.path
        if os.path.exists(path) and os.path.getsize(path):
            if name and self.is_new:
                raise StorageError(f"{path} is there, but {self.path} is new: delete it, or rename it, to begin anew")
            return self._mapped(path, shape, dtype, checked(path, shape, dtype))
        try:
            return self._made(path, shape, dtype, fill)
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            raise

    def mark(self, behind: bool) -> None:
        """Note in the folder whether rows may be behind, for whoever opens the files after a crash."""
        if behind:
            with open(self._mark, "w", encoding="utf-8") as file:
                file.write(f"Rows of {os.path.basename(self.path)} may be behind until its table is closed.\n")
        else:
            with suppress(FileNotFoundError):
                os.unlink(self._mark)

    def advise(self, in_order: bool) -> None:
        """Say how the arrays are used next: from one end to the other, or by rows here and there.

        In order, the system reads megabytes ahead; of files that the memory cannot hold, it must not for a row.
        """
        if in_order == self._in_order:
            return
        import mmap

        if hasattr(mmap, "MADV_RANDOM") and (in_order or sum(map(len, self._maps)) > memory() // 2):
            self._in_order = in_order
            for mapped in self._maps:
                mapped.madvise(mmap.MADV_NORMAL if in_order else mmap.MADV_RANDOM)

    def flush(self) -> None:
        """Bring what was written to the disk."""
        for mapped in self._maps:
            mapped.flush()

    def close(self) -> None:
        """The same, and let others open the files. Arrays that somebody holds still lie in them."""
        if not self.closed:
            self.flush()
            self.closed = True
            self._maps.clear()
            self._release()

    def _made(self, path: str, shape: tuple[int, ...], dtype: np.dtype, fill: Fill) -> np.ndarray:
        """A new file. It gets its header last: one that was cut short is never taken for a table."""
        head = header(shape, dtype)
        size = len(head) + prod(shape) * dtype.itemsize
        check_room(path, size)
        with open(path, "ab") as file:
            file.truncate(size)  # zeros, which take no room on the disk before they are written to
        array = self._mapped(path, shape, dtype, len(head))
        fill(array)
        self._maps[-1].flush()
        with open(path, "r+b") as file:
            file.write(head)
            file.flush()
            os.fsync(file.fileno())
        return array

    def _mapped(self, path: str, shape: tuple[int, ...], dtype: np.dtype, offset: int) -> np.ndarray:
        """The array that begins at that byte of a file."""
        from mmap import mmap  # late: few need it

        self.advise(in_order=True)  # for all, until rows are asked for
        with open(path, "r+b") as file:
            self._maps.append(mmap(file.fileno(), 0))
        return np.frombuffer(self._maps[-1], dtype, prod(shape), offset).reshape(shape)


def locked(path: str) -> int:
    """A descriptor of the file, made if there is none, on which nobody else has a lock."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "A table's file must be a regular file", path)
    file = os.open(path, flags, 0o666)  # less what the umask says
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise StorageError(
                f"{path} is in use by another process, or by another table of this one: close() that table first"
            ) from None
    return file


def release(file: int) -> None:
    with suppress(ImportError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)  # also for forked processes, which share it
    os.close(file)


def checked(path: str, shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Where the array of a file begins, if that is just the expected one."""
    with open(path, "rb") as file:
        found, fortran, kind = read_header(path, file)
        begin, size = file.tell(), os.fstat(file.fileno()).st_size
    if kind.hasobject:
        raise UnsafeFile(f"{path} holds Python objects, expected {dtype} {shape}.")
    if (found, kind, fortran) != (shape, dtype, False):
        order = " in Fortran's order" if fortran else ""
        raise WeightsError(f"{path} holds {kind} {found}{order}, expected {dtype} {shape}.")
    wanted = begin + prod(shape) * dtype.itemsize
    if size != wanted or begin % dtype.itemsize:
        raise CorruptFile(f"{path} has {size:,} bytes, expected {wanted:,} for {dtype} {shape}.")
    return begin


def read_header(path: str, file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether in Fortran's order, dtype) as a file says."""
    try:
        return HEADERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # of a header that is not as it should be, NumPy's reader raises whatever arises
        raise CorruptFile(f"{path} is damaged or no .npy file: {error!s:.200}") from None


def header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """The beginning of a .npy file."""
    file = io.BytesIO()
    told = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, told)
    return file.getvalue()


def memory() -> int:
    """Bytes of memory that the machine has, if the system says."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def check_room(path: str, size: int) -> None:
    """OSError if the disk is too full: writing to a mapped file, one would be killed."""
    from shutil import disk_usage

    free = disk_usage(os.path.dirname(os.path.abspath(path))).free
    if size > free:
        raise OSError(errno.ENOSPC, f"{size:,} bytes are needed, {free:,} are free", path)
