"""no_grad stays where it was written: in threads, tasks and generators."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad.ops  # noqa: F401
from minigrad.core.autodiff import grad
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor

x = Tensor(np.array([1.0, 2.0]), requires_grad=True)


def records() -> bool:
    return (x * 2).requires_grad


def in_thread(work: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_inside_nothing_is_recorded_and_after_it_all_is_again() -> None:
    assert records()
    with no_grad():
        assert not records()
        with no_grad():
            assert not records()
        assert not records()
    assert records()


def test_it_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018
    assert records()


def test_as_a_decorator() -> None:
    @no_grad()
    def inside(again: bool) -> bool:
        return records() or (again and inside(False))

    assert not inside(True)
    assert records()


def test_a_decorated_generator_would_run_after_the_block_and_is_refused() -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> None: ...

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, coroutine, async_generator):
        with pytest.raises(TypeError, match=f"cannot decorate {function.__name__}"):
            no_grad()(function)


def test_leaves_may_still_be_made_inside() -> None:
    with no_grad():
        leaf = Tensor([1.0], requires_grad=True)
    assert leaf.requires_grad


def test_gradients_can_be_taken_inside_of_what_was_recorded_outside() -> None:
    y = (x * x).sum()
    with no_grad():
        assert grad(y, x).tolist() == [2, 4]


class TestThreads:
    def test_a_thread_starts_with_recording_on(self) -> None:
        with no_grad():
            assert in_thread(records)
            assert not records()

    def test_a_context_carries_it_into_a_thread(self) -> None:
        with no_grad():
            context = contextvars.copy_context()
        assert not in_thread(lambda: context.run(records))

    def test_threads_do_not_disturb_each_other(self) -> None:
        barrier = threading.Barrier(2)

        def pausing() -> bool:
            with no_grad():
                barrier.wait(10)
                seen = records()
                barrier.wait(10)
            return seen

        def plain() -> bool:
            barrier.wait(10)
            seen = records()
            barrier.wait(10)
            return seen

        with ThreadPoolExecutor(2) as pool:
            paused, free = pool.submit(pausing), pool.submit(plain)
            assert not paused.result()
            assert free.result()


class TestTasks:
    def test_tasks_do_not_disturb_each_other(self) -> None:
        async def pausing() -> list[bool]:
            seen = []
            with no_grad():
                for _ in range(3):
                    await asyncio.sleep(0)
                    seen.append(records())
            return seen

        async def plain() -> list[bool]:
            seen = []
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(records())
            return seen

        async def main() -> list[list[bool]]:
            return await asyncio.gather(pausing(), plain(), pausing())

        assert asyncio.run(main()) == [[False] * 3, [True] * 3, [False] * 3]

    def test_an_awaited_coroutine_is_inside(self) -> None:
        async def inner() -> bool:
            await asyncio.sleep(0)
            return records()

        async def outer() -> tuple[bool, bool]:
            with no_grad():
                first = await inner()
            return first, records()

        assert asyncio.run(outer()) == (False, True)


class TestGenerators:
    @staticmethod
    def stepping() -> Iterator[bool]:
        yield records()
        with no_grad():
            yield records()
            yield records()
        yield records()

    def test_a_suspended_generator_pauses_nobody_else(self) -> None:
        generator = self.stepping()
        inside, outside = [], []
        for seen in generator:
            inside.append(seen)
            outside.append(records())
        assert inside == [True, False, False, True]
        assert outside == [True] * 4

    def test_one_that_is_dropped_while_suspended(self) -> None:
        generator = self.stepping()
        next(generator)
        next(generator)
        generator.close()
        assert records()

    def test_interleaved(self) -> None:
        one, two = self.stepping(), self.stepping()
        assert [next(one), next(one), next(two), records(), next(two), next(one), next(two), next(one), next(two)] == [
            True,
            False,
            True,
            True,
            False,
            False,
            False,
            True,
            True,
        ]
        assert records()

    def test_through_yield_from(self) -> None:
        def outer() -> Iterator[bool]:
            with no_grad():
                yield from inner()
            yield records()

        def inner() -> Iterator[bool]:
            yield records()
            yield records()

        generator = outer()
        seen = [next(generator)]
        assert records()
        seen += list(generator)
        assert seen == [False, False, True]

    def test_a_pause_outside_holds_inside_the_generator(self) -> None:
        generator = self.stepping()
        with no_grad():
            assert not next(generator)
            next(generator)
        assert records()
        assert not next(generator)
        assert next(generator)

    def test_an_async_generator(self) -> None:
        async def stepping() -> AsyncIterator[bool]:
            with no_grad():
                yield records()
                await asyncio.sleep(0)
                yield records()

        async def main() -> tuple[list[bool], list[bool]]:
            inside, outside = [], []
            async for seen in stepping():
                inside.append(seen)
                outside.append(records())
            return inside, outside

        assert asyncio.run(main()) == ([False, False], [True, True])
