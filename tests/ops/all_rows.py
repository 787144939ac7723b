"""The whole op table, with every module of minigrad.ops imported: minigrad's own rows, no test's or user's."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np

import minigrad.ops
from minigrad.core import table
from minigrad.core.op import Op

for _module in pkgutil.iter_modules(minigrad.ops.__path__):
    importlib.import_module(f"minigrad.ops.{_module.name}")


def our_own(op: Op) -> bool:
    return isinstance(op.kernel, np.ufunc) or op.kernel.__module__.startswith(("minigrad.", "numpy"))


ROWS = {name: op for name, op in sorted(table.ROWS.items()) if our_own(op)}
NAMES = list(ROWS)
