"""Writing a file so that it is, at every moment and after any crash, the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO
from zlib import crc32

__all__ = ["atomic_write"]

# A temporary file is named after its process and its machine, so that orphans can be told from files in work
# even in a folder that several machines share.
_TEMPORARY = re.compile(r"\.minigrad-tmp-(\d{1,9})-([0-9a-f]{8})-[0-9a-f]{8}")


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a binary file to write to, which takes the place of `path` when the block ends without an error.

    The bytes go to a temporary file in the same folder, are brought to the disk, and get the name in one
    step. After an error the old file stands as it was and nothing is left behind; what a killed process
    leaves, the next save removes. A symbolic link stays and the file it points to is replaced; an existing
    file's permissions are kept.

    Raises:
        OSError: where `open(path, "wb")` would: no such folder, no permission, a folder of that name.
    """
    target = os.path.realpath(os.fsdecode(path))
    folder = os.path.dirname(target)
    mode = _mode_of(target, folder)
    _sweep(folder)
    temporary = os.path.join(folder, f".minigrad-tmp-{os.getpid()}-{_machine()}-{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)  # less what the umask says
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _mode_of(target: str, folder: str) -> int | None:
    """Return the permissions of the file to replace, None where there is none; refuse what cannot be one."""
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "There is no such folder to save into", folder)
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "Cannot save a file over a folder", target)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "Cannot save over what is no regular file", target)
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is write-protected", target)
    return stat.S_IMODE(status.st_mode)


def _sweep(folder: str) -> None:
    """Remove the temporary files of processes of this machine that are no more."""
    with os.scandir(folder) as entries:
        orphans = [
            entry.path
            for entry in entries
            if (match := _TEMPORARY.fullmatch(entry.name)) and match[2] == _machine() and not _is_running(int(match[1]))
        ]
    for orphan in orphans:
        with suppress(OSError):
            os.unlink(orphan)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # elsewhere, signal 0 is no mere question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _machine() -> str:
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return f"{crc32(name.encode()):08x}"


def _sync_folder(folder: str) -> None:
    """Bring the new name to the disk too, where the system can open a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
