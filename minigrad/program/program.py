"""A program: the source of a step, ready to run."""

from __future__ import annotations

import linecache
import os
from _thread import allocate_lock
from contextlib import nullcontext
from itertools import count
from typing import Any
from weakref import finalize

import numpy as np

from ..core.rows import Table
from ..core.spec import spec_of
from ..core.tensor import Variable
from ..errors import ShapeError, unknown
from . import jit
from .halves import by_rows
from .nest import RowWriter
from .plan import Plan, tables_by_rows
from .source import Source
from .threads import ONE_THREAD, OPENBLAS, SMALL, largest_product, pools
from .trace import Cell, Trace

_numbers = count(1)


class Program:
    """A trace, planned and written out as NumPy. `print(program)` shows the text; calling it runs it.

    title: what the text's first line says. variable_names: how the Variables are called in it. fused: whether steps are
    put together into loops, which the text shows as Python and Numba compiles.
    source: the text. memory: the bytes of its buffers. inputs: what a call must give: by name, shape and dtype.

    >>> from minigrad.core.symbol import Symbol
    >>> x = Symbol.of((2,), np.float32)
    >>> program = Program(Trace({"x": x}, {"y": np.tanh(x * 2)}), "an example")
    >>> print(program)
    \"\"\"an example: 2 ops, 64 bytes of buffers.
    <BLANKLINE>
    x: (2,) float32
    <BLANKLINE>
    Returns True, and (y).
    What `out=` names is a buffer; buffers share one memory.
    \"\"\"
    <BLANKLINE>
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def step(x):
        np.multiply(x, 2, out=multiply)  # (2,)
        np.tanh(multiply, out=tanh)  # (2,)
        return True, (tanh,)
    <BLANKLINE>
    >>> program(x=np.zeros(2, np.float32))
    {'finite': True, 'y': array([0., 0.], dtype=float32)}
    """

    def __init__(
        self, trace: Trace, title: str, variable_names: dict[Variable, str] | None = None, fused: bool = False
    ) -> None:
        self._trace, self._words = trace.alone(), (title, variable_names or {})  # for `save`; some 30 kB
        written = Source(Plan(self._trace, fused), *self._words)
        self.source = written.text
        self.memory = written.plan.memory
        self.ops = len(written.plan.steps)
        self.inputs = {name: symbol.specs[0] for name, symbol in trace.inputs.items()}
        self._names = list(trace.results)
        self._cells = [(name, cell) for name, cell in written.bound.items() if isinstance(cell, Cell)]
        looked_up = tables_by_rows(written.plan)
        self._tables = [(name, v) for name, v in written.bound.items() if isinstance(v, Table) and v in looked_up]
        self._variables = [(n, v) for n, v in written.bound.items() if isinstance(v, Variable) and v not in looked_up]
        self._blank = dict.fromkeys(written.bound)
        self._direct = [v for v, _ in trace.updates if isinstance(v, Variable)]
        self._covered = {v for cell, _ in trace.updates for v in getattr(cell, "covers", ())}
        self._written = [*looked_up, *self._direct, *self._covered]
        largest = largest_product(written.plan.steps)
        self._threads = ONE_THREAD if OPENBLAS < largest <= SMALL and pools() else nullcontext()
        self._busy = allocate_lock()  # there is one arena: threads take turns
        filename = f"<minigrad program {next(_numbers)}>"  # so that a traceback shows the line
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        finalize(self, linecache.cache.pop, filename, None)
        exec(compile(self.source, filename, "exec"), written.namespace)  # noqa: S102 (every word of it is ours)
        for name, loop in written.loops.items():
            run = jit.compiled(loop.text, loop.name)
            written.namespace[name] = by_rows(run, *loop.halved()) if isinstance(loop, RowWriter) else run
        self._step = written.namespace.pop("step")  # its globals must not hold it in turn

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        """Run it on arrays for its inputs. The results by name, as copies, and under `finite` whether all was finite
        that must be; if not, nothing was written, and under `checked` are the values that had to be.
        """
        for name in inputs:
            if name not in self.inputs:
                raise unknown("input of the program", name, list(self.inputs))
        missing = [name for name in self.inputs if name not in inputs]
        if missing:
            raise TypeError(
                f"the program needs a value for {', '.join(missing)}; a call gives {', '.join(self.inputs)}"
            )
        for name, spec in self.inputs.items():
            if spec_of(inputs[name]) != spec:  # loops take it for granted
                got = spec_of(inputs[name])
                raise ShapeError(f"{name}: got {got.shape} {got.dtype}, expected {spec.shape} {spec.dtype}")
        finite, values = self.run([inputs[name] for name in self.inputs])
        out = {"finite": finite, **dict(zip(self._names, values))}
        return out if finite else {**out, "checked": values[len(self._names) :]}

    def run(self, arguments: list[Any]) -> tuple[bool, list[np.ndarray]]:
        """The same on a list of arrays in the order of `inputs`; (finite, the results, what was checked if not)."""
        namespace = self._step.__globals__
        with self._busy:
            for name, cell in self._cells:
                namespace[name] = cell.find()
            for variable in self._direct:
                variable.own()
            for name, variable in self._variables:
                namespace[name] = variable._data
            for name, table in self._tables:  # the text sees to those rows that it reads
                if table not in self._covered:  # it lies in an arena, which sees to that
                    table.own()
                namespace[name] = table._values
            try:
                with self._threads:
                    finite, values = self._step(*arguments)
                values = list(map(np.array, values))
            finally:  # no reference to an array of ours stays behind: `Variable.own` counts them
                namespace.update(self._blank)
        if finite:
            for variable in self._written:
                variable.touch()
        return finite, values

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program to a file, `step.py`, that runs on NumPy alone, and its arrays to `step.npz` beside it.

        The numbers are those of this program, to the bit; of a fused one, those of its ops in plain NumPy. A training
        step goes on from the present weights, slots and states of random numbers. What it is given at each call, such
        as `alpha_float32`, whoever calls it computes.

        Raises TypeError for an op whose kernel has no source that stands alone, and for weights with constraints.
        """
        from .standalone import save  # late: it reads source files

        with self._busy:
            save(path, Source(Plan(self._trace), *self._words, saved=True))

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"<Program: {self.ops} ops, {self.memory:,} bytes of buffers>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays import of_program

        return of_program(self)
