"""What a notebook shows for tensors, gradients and programs; layers, models and histories are in displays_of_models.

Each function gives the bundle of its kind of object. A display never raises because of what it shows, computes
nothing that changes anything, and is small: it says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.mode import no_grad
from ..core.rows import Table
from ..core.rowsparse import RowSparse
from ..core.tensor import Tensor, Variable
from ..ops.gather import gather
from .code import CODE_STYLE, listing
from .heat import heat_maps
from .page import figure, paragraph, table
from .profile import LATEST, step_of
from .shown import Bundle, bundle
from .svg import shorten

if TYPE_CHECKING:
    from ..program import Program

MOST_ELEMENTS = 4_000_000  # of larger arrays, a display reads the first rows only
FIRST_ROWS = 24
TABLE_ROWS, TABLE_COLUMNS = 6, 8
FEW = 4  # numbers, that need neither figures nor a map
NAME = 80  # characters of a name


def of_tensor(tensor: Tensor) -> Bundle:
    """A Tensor or Variable: shape, where it comes from, its values and its gradient as numbers and as heat maps."""
    values, whole = values_of(tensor)
    made = f", made by {shorten(tensor.node.fn.name, NAME)}" if tensor.node else ""
    takes = ", takes a gradient" if tensor.requires_grad and tensor.node is None else ""
    kind = f"Variable {shorten(tensor.name, NAME)}" if isinstance(tensor, Variable) else "Tensor"
    parts = [paragraph(f"{kind} of shape {tensor.shape}, {tensor.dtype}{made}{takes}.")]
    if not (whole or values.size):
        parts.append(paragraph("Its values lie in a file, which was closed."))
    arrays = {"values" if whole else f"values, first {len(values)} rows": values}
    gradient = tensor.grad
    if isinstance(gradient, RowSparse):
        gradient = rows_in_order(gradient)
        arrays["gradient, rows that were used"] = gradient
    elif gradient is not None:
        arrays["gradient"] = np.asarray(gradient)
    return bundle(repr(tensor), *with_numbers(parts, arrays))


def of_rowsparse(g: RowSparse) -> Bundle:
    """A RowSparse: how little of the table it holds, and the rows with the most in them."""
    merged = g.merged()
    held, dense = g.nbytes, int(np.prod(g.shape, dtype=float)) * g.dtype.itemsize
    parts = [
        paragraph(
            f"RowSparse of shape {g.shape}, {g.dtype}: {len(merged.ids):,} of {g.shape[0]:,} rows got something, from "
            f"{len(g.ids):,} places; {held:,} bytes, where the dense array has {dense:,}."
        )
    ]
    rows = rows_in_order(g)
    places = np.unique(g.ids, return_counts=True)[1] if len(g.ids) else np.zeros(0, int)
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    order = np.argsort(-np.nan_to_num(norms, posinf=np.inf), kind="stable")[:TABLE_ROWS]
    header = ("row", "places" if not g.unique else "times", "norm", "its gradient")
    lines = [(str(merged.ids[k]), int(places[k]), float(norms[k]), numbers(rows[k])) for k in order.tolist()]
    if len(merged.ids) > len(order):
        parts.append(paragraph(f"The {len(order)} rows with the largest gradient:"))
    parts.append(table(lines, header))
    svg = heat_maps({f"rows {ends(merged.ids)}": rows}) if rows.size else ""
    return bundle(repr(g), "\n".join(parts + ([figure(svg)] if svg else [])), svg)


def of_program(program: Program) -> Bundle:
    """A Program: its text in colours, with the times of its lines if it ran inside a profile."""
    source = program.source
    times = LATEST.get(program._step.__code__.co_filename)
    head = source.partition("\n")[0].strip('"')
    parts = [paragraph(head)]
    if times is not None:
        total = sum(times.seconds.values())
        parts.append(paragraph(f"Before each line what it took in {times.runs:,} runs, {total * 1e3:.3g} ms in all."))
    step, first = step_of(source)
    code, left_out = listing(step, None if times is None else times.seconds, first, 30_000)
    parts.append(code)
    before = source[: len(source) - len(step)].partition("import numpy as np\n")[2].strip("\n")
    if before and not left_out:
        loops, left_out = listing(before, most=44_000 - len(code.encode()))
        parts += [paragraph("What it calls and reads:"), loops]
    if left_out:
        parts.append(paragraph(f"{left_out:,} more lines: print(program) shows them all."))
    return bundle(repr(program), "\n".join(parts), style=CODE_STYLE)


# -- arrays -----------------------------------------------------------------------------------------------------------


def values_of(tensor: Tensor) -> tuple[np.ndarray, bool]:
    """(values, whether these are all): of a large table the first rows, the others are not even brought up to date; of
    one whose file was closed none.
    """
    if isinstance(tensor, Table) and tensor.storage is not None and tensor.storage.closed:
        return np.zeros((0, *tensor.shape[1:]), tensor.dtype), False
    if tensor.size <= MOST_ELEMENTS and not (isinstance(tensor, Table) and tensor.storage is not None):
        return tensor.numpy(), True
    if isinstance(tensor, Table):
        with no_grad():
            return gather(tensor, np.arange(min(FIRST_ROWS, tensor.shape[0]))).numpy(), False
    values = tensor.data.reshape(tensor.shape[0], -1)
    return values[:FIRST_ROWS, : MOST_ELEMENTS // FIRST_ROWS], False


def rows_in_order(g: RowSparse) -> np.ndarray:
    """The rows that got something, by id: (rows, width)."""
    merged = g.merged()
    return merged.rows.reshape(len(merged.ids), int(np.prod(g.shape[1:], dtype=int)))


def with_numbers(parts: list[str], arrays: dict[str, np.ndarray]) -> tuple[str, str]:
    """(HTML, SVG) of named arrays: figures about each, their first numbers, and heat maps."""
    lines = [(name, *figures(array)) for name, array in arrays.items()]
    if any(array.size > FEW for array in arrays.values()):
        header = ("", "smallest", "largest", "mean", "norm", "not finite")
        parts.append(table(lines, header))
        svg = heat_maps(arrays)
        parts.append(figure(svg))
    else:
        svg = ""
    for name, array in arrays.items():
        if array.size == 1:
            parts.append(
                paragraph(f"{name}: {array.item():.6g}" if array.dtype.kind in "iuf" else f"{name}: {array.item()}")
            )
        elif array.size:
            shown, said = corner(array)
            parts += [paragraph(f"{name}{said}:"), shown]
    return "\n".join(parts), svg


def figures(array: np.ndarray) -> tuple[object, ...]:
    """Smallest, largest, mean and norm of what is finite in an array, and how many numbers are not."""
    if array.dtype.kind not in "fiub" or not array.size:
        return ("",) * 5
    finite = array[np.isfinite(array)].astype(np.float64)
    missing = array.size - finite.size
    if not finite.size:
        return ("", "", "", "", missing)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, norm = float(finite.mean()), float(np.linalg.norm(finite))
    return float(finite.min()), float(finite.max()), mean, norm, missing


def corner(array: np.ndarray) -> tuple[str, str]:
    """(A table of the first numbers, which ones these are if they are not all)."""
    rows = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    shown = rows[:TABLE_ROWS, :TABLE_COLUMNS]
    more = shown.shape[1] < rows.shape[1]
    lines = [[*(plain(x) for x in row), *(["…"] if more else [])] for row in shown.tolist()]
    said = ""
    if shown.size < array.size:
        last = f" of the last axis, of {len(rows):,} rows," if array.ndim > 2 else ""
        said = f", the first {shown.shape[0]} x {shown.shape[1]} of {rows.shape[0]:,} x {rows.shape[1]:,}"
        said += " (all axes but the last go down)" if last else ""
    return table(lines), said


def plain(x: Any) -> object:
    """A number as a table takes it; a truth value, a complex number as words."""
    return str(x) if isinstance(x, (bool, complex)) else x


def numbers(row: np.ndarray) -> str:
    """The first numbers of a row, on one line."""
    first = [f"{x:.4g}" for x in row[:TABLE_COLUMNS].tolist()]
    return "\N{NO-BREAK SPACE} ".join([*first, *(["…"] if len(row) > TABLE_COLUMNS else [])])


def ends(ids: Sequence[int] | np.ndarray) -> str:
    """`3` or `3 … 17`."""
    return str(ids[0]) if len(ids) == 1 else f"{ids[0]} … {ids[-1]}"
