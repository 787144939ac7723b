"""How many threads BLAS uses. A small matrix product is done by one thread before two have agreed on their halves; and
what two threads made lies in two cores' caches, from where all that follows has to fetch it.

The number of threads belongs to the whole process; it is set with threadpoolctl, where that is installed, for as long
as a program of small products runs. The results are the same, bit for bit: threads share out rows and columns.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Iterable
from functools import cache
from math import prod
from typing import Any

from .step import Step, shape_of

SMALL = (
    2**21
)  # multiplications: up to here a second thread did not pay, on two cores with AVX-512 (see docs/programs.md)
OPENBLAS = 2**18  # up to here it uses one thread by itself


@cache
def pools() -> list[Any]:
    """The thread pools of the BLAS libraries in this process; none without threadpoolctl."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


class OneThread:
    """While it is entered, by however many threads of Python, BLAS uses one thread."""

    def __init__(self) -> None:
        self._inside = 0
        self._before: list[int] = []
        self._turn = allocate_lock()  # else who enters while the last one leaves would take 1 for what was before

    def __enter__(self) -> None:
        with self._turn:
            self._inside += 1
            if self._inside == 1:
                self._before = [pool.get_num_threads() for pool in pools()]
                for pool in pools():
                    pool.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        with self._turn:
            self._inside -= 1
            if self._inside == 0:
                for pool, n in zip(pools(), self._before):
                    pool.set_num_threads(n)


ONE_THREAD = OneThread()


def largest_product(steps: Iterable[Step]) -> int:
    """The number of multiplications in the largest matrix product."""
    products = [s for s in steps if s.node.fn.kind == "contraction" and shape_of(s.args[0])]
    return max((prod(s.spec.shape) * shape_of(s.args[0])[-1] for s in products), default=0)
