"""A program as a file of its own, `step.py`, which runs on NumPy alone, and beside it `step.npz` with its arrays.

The text is the program's, with the source of the kernels that it calls (see helpers.py). Both files are written whole
or not at all, and know each other by a digest, so that no step runs on another one's arrays.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..core.legacy import kernel_of
from ..core.tensor import Variable
from .helpers import Helpers
from .memory import ALIGNMENT
from .source import Source
from .trace import Cell

ABOUT = '''
Saved by minigrad. It runs on NumPy alone, with the arrays of the file that is called as this one but for .npz:

    from step import step
    finite, results = step({arguments})

The results are buffers, which the next call overwrites. What training changes is changed in place; `save()` writes it
back to the .npz file, or to another one.
"""

from __future__ import annotations

import os
'''

LOAD = """
import numpy as np

BESIDE = Path(__file__).with_suffix(".npz")
"""

ARRAYS = """
# -- weights, slots and constants

with np.load(BESIDE, allow_pickle=False) as arrays:
    if arrays["digest"] != DIGEST:
        raise ValueError(f"{BESIDE} was saved with another program than {__file__}")
"""

BUFFERS = """
# -- buffers, all in one memory

arena = np.zeros({size} + {alignment}, np.uint8)
arena = arena[-arena.ctypes.data % {alignment} :][:{size}]
"""

SAVE = '''

def save(path=BESIDE):
    """Write the arrays as they are now."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "wb") as file:
        np.savez(file, **arrays_now())
    os.replace(temporary, path)


if __name__ == "__main__":
    print(__doc__)
'''


def save(path: str | os.PathLike[str], source: Source) -> None:
    """Write the program of a source to a file, and the arrays as they are now beside it."""
    from ..saving.atomic import atomic_write  # late: who saves looks at that room, and nobody else

    python = Path(path)
    if python.suffix != ".py":
        raise ValueError(f"save: a program is saved as Python, say as step.py; got {str(path)!r}")
    check_complete(source)
    saved = Standalone(source)
    text = saved.text()
    with atomic_write(python.with_suffix(".npz")) as file:
        np.savez(file, **saved.arrays)
    with atomic_write(python) as file:
        file.write(text.encode())


def check_complete(source: Source) -> None:
    """TypeError if training does more with a weight than its program says."""
    for update in source.plan.trace.row_updates:
        if update.seen:
            raise TypeError(
                f"save: a step leaves the rows of {update.writes[0][0].name} that a batch does not use behind, until "
                "they are read, and a saved program knows nothing of that; an optimizer of rows='dense' can be saved"
            )
    for cell, _ in source.plan.updates:
        for variable in cell.covers if isinstance(cell, Cell) else (cell,):
            if variable.constraint is not None:
                raise TypeError(
                    f"save: {variable.name} has a constraint, {type(variable.constraint).__name__}, which training "
                    "applies after the program has run; the saved program would leave it out"
                )


class Standalone:
    """What of a source goes where. arrays: copies, for the one file; the other one is the text of all else."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.arrays: dict[str, Any] = {}
        self.streams: list[str] = []  # which of the arrays are states of sources of random numbers
        self.parts: list[str] = []
        self.buffers: list[str] = []
        self.helpers = Helpers(source.taken)
        self._bound()
        self._held()
        if self.streams:
            self.helpers.define("go_on", go_on, "save")
            self.helpers.define("state_of", state_of, "save")

    def _bound(self) -> None:
        """The arrays of Cells and Variables; of a Variable that lies in a Cell, where."""
        bound = self.source.bound
        inside: dict[Variable, str] = {}
        for name, cell in bound.items():
            if isinstance(cell, Cell):
                array = cell.find()
                self.arrays[name] = np.array(array)
                for v in cell.covers:
                    start = (v._data.ctypes.data - array.ctypes.data) // array.itemsize
                    shape = ", ".join(map(str, v.shape)) or "()"
                    inside[v] = f"{name}[{start}:{start + v.size}].reshape({shape})"
        for name, variable in bound.items():
            if isinstance(variable, Variable) and variable in inside:
                self.parts.append(f"{name} = {inside[variable]}")
            elif isinstance(variable, Variable):
                self.arrays[name] = np.array(variable._data)

    def _held(self) -> None:
        """Buffers, constants, kernels and what else the text needs by a name."""
        arena = self.source.arena
        users = {
            id(x): f"save: the op {step.node.fn.name}"
            for step in self.source.plan.steps
            for x in (kernel_of(step.node), *step.node.attrs.values())
        }
        for name, value in self.source.namespace.items():
            if value is np or value is arena or name in self.source.constants:
                continue
            if isinstance(value, np.ndarray) and value.base is arena.base:
                offset = value.ctypes.data - arena.ctypes.data
                self.buffers.append(f'{name} = np.ndarray({value.shape}, "{value.dtype}", arena, {offset})')
            elif isinstance(value, np.ndarray):
                self.arrays[name] = np.array(value)
            elif is_stream(value):
                self.streams.append(name)
                self.arrays[name] = np.array(state_of(value))
            else:
                self.helpers.define(name, value, users.get(id(value), "save: the program"))

    def text(self) -> str:
        """The text of the file; its digest goes to the arrays."""
        head, _, step = self.source.text.partition('"""\n\nimport numpy as np\n')
        loads = [f'arrays["{name}"]' for name in self.arrays]
        loads = [f"go_on({x})" if name in self.streams else x for name, x in zip(self.arrays, loads)]
        now = [f"state_of({name})" if name in self.streams else name for name in self.arrays]
        arrays = [
            "    return {",
            *(f'        "{name}": {x},' for name, x in zip([*self.arrays, "digest"], [*now, "DIGEST"])),
            "    }",
        ]
        size = self.source.plan.memory
        sections = [
            ARRAYS + "\n".join(f"    {name} = {x}" for name, x in zip(self.arrays, loads)),
            "\n".join(self.parts),
            BUFFERS.format(size=size, alignment=ALIGNMENT) + "\n".join(self.buffers) if self.buffers else "",
            "\n# -- the step\n" + "\n" * step.lstrip().startswith("def"),
            step.strip("\n") + "\n\n\ndef arrays_now():",
            *arrays,
            SAVE,
        ]
        rest = "\n".join(filter(None, sections))
        helpers = "".join(f"\n\n{text}\n" for text in self.helpers.texts)
        helpers = helpers and f"\n# -- what the step calls\n{helpers}\n"
        imports = "\n".join(sorted({"from pathlib import Path", *self.helpers.imports}))
        about = head + ABOUT.format(arguments=", ".join(f"{name}=..." for name in self.source.arguments))
        digest = sha256(f"{about}{helpers}{rest}".encode()).hexdigest()[:32]
        self.arrays["digest"] = np.array(digest)
        return f'{about}{imports}\n{LOAD}DIGEST = "{digest}"\n{helpers}{rest}'


def is_stream(value: Any) -> bool:
    """Whether a value has a generator of random numbers whose state can be saved."""
    generator = getattr(value, "generator", None)
    known = isinstance(generator, np.random.Generator) and isinstance(generator.bit_generator, np.random.PCG64)
    return known and value.generator is generator


def state_of(stream: Any) -> list[str]:
    """The state of a source of random numbers, as text: two of its numbers have 128 bits."""
    state = stream.generator.bit_generator.state
    numbers = state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"]
    return list(map(str, numbers))


def go_on(words: Any) -> Any:
    """A source of random numbers in that state."""
    state, increment, has_half, half = map(int, words)
    generator = np.random.Generator(np.random.PCG64())
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": increment},
        "has_uint32": has_half,
        "uinteger": half,
    }
    return SimpleNamespace(generator=generator)
