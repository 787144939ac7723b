"""Work on many rows of large tables, shared out between two threads.

Rows that lie all over gigabytes are waited for, not computed: two cores wait for twice as many at a time. The loops
release Python's lock, and no row is in both halves, so the results are the same, bit for bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

MANY = 1 << 17  # numbers in the rows of a step, from which on two threads pay (a handover takes some 50 µs)


@cache
def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def worker() -> Any:
    """The other thread, made when it is first needed, and made anew in a forked process."""
    from concurrent.futures import ThreadPoolExecutor

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=worker.cache_clear)
    return ThreadPoolExecutor(1, "minigrad")


def pays(numbers: int) -> bool:
    """Whether so many numbers are worth two threads."""
    return numbers >= MANY and cores() > 1


def in_halves(first: Callable[[], Any], second: Callable[[], Any]) -> None:
    """Run both, the second on the other thread; an error of either is raised when both are done."""
    other = worker().submit(second)
    try:
        first()
    finally:
        other.result()


def by_rows(loop: Callable[..., Any], ids: int, sliced: list[int]) -> Callable[..., Any]:
    """A loop over the ids in one of its arguments, up to the first -1, as two loops over halves of them; `sliced`: the
    arguments that have a row for each id.
    """

    def run(*arguments: Any) -> None:
        count = np.count_nonzero(arguments[ids] >= 0)
        if not pays(count * arguments[sliced[0]].shape[-1]):
            loop(*arguments)
            return
        halves = []
        for part in (slice(count // 2), slice(count // 2, count)):
            own = list(arguments)
            for k in (ids, *sliced):
                own[k] = own[k][part]
            halves.append(own)
        in_halves(lambda: loop(*halves[0]), lambda: loop(*halves[1]))

    return run
