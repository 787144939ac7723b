"""Programs: a model's step, traced on symbols and written out as straight-line NumPy that anyone can read."""

from .program import Program
from .trace import Cell, RowUpdate, Trace

__all__ = ["Cell", "Program", "RowUpdate", "Trace"]
