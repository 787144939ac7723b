"""Exponentials and logarithms."""

from __future__ import annotations

from math import log as ln
from typing import Any

import numpy as np

from .families import elementwise

__all__ = ["exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2"]

LN2, LN10 = ln(2), ln(10)

exp = elementwise(np.exp, vjp=lambda g, out: g * out)
exp2 = elementwise(np.exp2, vjp=lambda g, out: LN2 * g * out)
expm1 = elementwise(np.expm1, vjp=lambda g, out: g * (out + 1))
log = elementwise(np.log, vjp=lambda g, x: g / x, low=0.2)
log2 = elementwise(np.log2, vjp=lambda g, x: g / (LN2 * x), low=0.2)
log10 = elementwise(np.log10, vjp=lambda g, x: g / (LN10 * x), low=0.2)
log1p = elementwise(np.log1p, vjp=lambda g, x: g / (1 + x), low=-0.8)


def below(out: Any) -> Any:
    """The result, to be subtracted from an operand: 0 in place of -inf, as -inf - -inf would be NaN."""
    return np.where(out == -np.inf, 0, out)


logaddexp = elementwise(np.logaddexp, vjp=(lambda g, x, out: g * np.exp(x - below(out)),
                                           lambda g, y, out: g * np.exp(y - below(out))))
logaddexp2 = elementwise(np.logaddexp2, vjp=(lambda g, x, out: g * np.exp2(x - below(out)),
                                             lambda g, y, out: g * np.exp2(y - below(out))))
