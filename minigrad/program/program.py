"""A program: the source of a step, ready to run."""

from __future__ import annotations

import linecache
from _thread import allocate_lock
from itertools import count
from typing import Any
from weakref import finalize

import numpy as np

from ..core.tensor import Variable
from .plan import Plan
from .source import Source
from .trace import Trace

_numbers = count(1)


class Program:
    """A trace, planned and written out as NumPy. `print(program)` shows the text; calling it runs it.

    title: what the text's first line says. variable_names: how the Variables are called in it.
    source: the text. memory: the bytes of its buffers. inputs: the names that a call must give.

    >>> from minigrad.core.symbol import Symbol
    >>> x = Symbol.of((2,), np.float32)
    >>> program = Program(Trace({"x": x}, {"y": np.tanh(x * 2)}), "an example")
    >>> print(program)
    \"\"\"an example: 2 ops, 64 bytes of buffers.\"\"\"
    <BLANKLINE>
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def step(x):
        multiply = np.multiply(x, 2, out=buffer_0)  # (2,)
        tanh = np.tanh(multiply, out=buffer_0_2)  # (2,)
        return True, (tanh,)
    <BLANKLINE>
    >>> program(x=np.zeros(2, np.float32))
    {'finite': True, 'y': array([0., 0.], dtype=float32)}
    """

    def __init__(self, trace: Trace, title: str, variable_names: dict[Variable, str] | None = None) -> None:
        written = Source(Plan(trace), title, variable_names or {})
        self.source = written.text
        self.memory = written.plan.memory
        self.ops = len(written.plan.steps)
        self.inputs = list(trace.inputs)
        self._names = list(trace.results)
        self._variables = [a for a in written.arguments if isinstance(a, Variable)]
        self._written = [v for v, _ in trace.updates if isinstance(v, Variable)]
        self._cells = trace.cells
        self._busy = allocate_lock()  # there is one arena: threads take turns
        filename = f"<minigrad program {next(_numbers)}>"  # so that a traceback shows the line
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        finalize(self, linecache.cache.pop, filename, None)
        exec(compile(self.source, filename, "exec"), written.namespace)  # noqa: S102 (every word of it is ours)
        self._step = written.namespace.pop("step")  # its globals must not hold it in turn

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        """Run it on arrays for its inputs. The results by name, as copies, and under `finite` whether all was finite
        that must be; if not, nothing was written, and under `checked` are the values that had to be.
        """
        finite, values = self.run([inputs[name] for name in self.inputs])
        out = {"finite": finite, **dict(zip(self._names, values))}
        return out if finite else {**out, "checked": values[len(self._names) :]}

    def run(self, arguments: list[Any]) -> tuple[bool, list[np.ndarray]]:
        """The same on a list of arrays in the order of `inputs`; (finite, the results, what was checked if not)."""
        with self._busy:
            for variable in self._written:
                variable.own()
            arguments += [v._data for v in self._variables]
            arguments += [cell.find() for cell in self._cells]
            finite, values = self._step(*arguments)
            values = list(map(np.array, values))
        if finite:
            for variable in self._written:
                variable.touch()
        return finite, values

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"<Program: {self.ops} ops, {self.memory:,} bytes of buffers>"
