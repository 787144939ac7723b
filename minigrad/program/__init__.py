"""Programs: a model's step, traced on symbols and written out as straight-line NumPy that anyone can read."""

from .program import Program
from .trace import Cell, Trace

__all__ = ["Cell", "Program", "Trace"]
