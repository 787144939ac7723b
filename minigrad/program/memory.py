"""The bytes that all buffers of a program lie in: which are free, and how many are needed at once."""

from __future__ import annotations

ALIGNMENT = 64  # bytes: a cache line


class Memory:
    """Bytes given out and taken back. `size` is how many were ever needed at once."""

    def __init__(self) -> None:
        self.size = 0
        self.free: list[tuple[int, int]] = []  # (offset, bytes), by offset

    def take(self, nbytes: int) -> int:
        """The offset of so many bytes: the tightest gap that holds them, or new ones at the end."""
        nbytes = rounded(nbytes)
        fitting = [gap for gap in self.free if gap[1] >= nbytes]
        if fitting:
            gap = min(fitting, key=lambda g: g[1])
            self.free.remove(gap)
            if gap[1] > nbytes:
                self.free.append((gap[0] + nbytes, gap[1] - nbytes))
                self.free.sort()
            return gap[0]
        offset = self.size
        if self.free and sum(self.free[-1]) == self.size:  # the last gap grows
            offset = self.free.pop()[0]
        self.size = offset + nbytes
        return offset

    def give(self, offset: int, nbytes: int) -> None:
        """Take bytes back, joined with the gaps beside them."""
        gaps = sorted([*self.free, (offset, rounded(nbytes))])
        joined = [gaps[0]]
        for start, size in gaps[1:]:
            if sum(joined[-1]) == start:
                joined[-1] = (joined[-1][0], joined[-1][1] + size)
            else:
                joined.append((start, size))
        self.free = joined


def rounded(nbytes: int) -> int:
    return max(1, -(-nbytes // ALIGNMENT)) * ALIGNMENT
