"""Angles: circular and hyperbolic functions, and their inverses."""

from __future__ import annotations

from math import factorial, pi
from typing import Any

import numpy as np

from ..core.table import FUNCTIONS
from .families import elementwise, floats

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "deg2rad",
    "degrees", "rad2deg", "radians", "sin", "sinc", "sinh", "tan", "tanh",
]

sin = elementwise(np.sin, vjp=lambda g, x: g * np.cos(x))
cos = elementwise(np.cos, vjp=lambda g, x: -g * np.sin(x))
tan = elementwise(np.tan, vjp=lambda g, out: g * (1 + out * out), low=-1.3, high=1.3)
arcsin = elementwise(np.arcsin, vjp=lambda g, x: g / np.sqrt((1 - x) * (1 + x)), low=-0.9, high=0.9)
arccos = elementwise(np.arccos, vjp=lambda g, x: -g / np.sqrt((1 - x) * (1 + x)), low=-0.9, high=0.9)
arctan = elementwise(np.arctan, vjp=lambda g, x: g / (1 + x * x))
arctan2 = elementwise(np.arctan2, low=0.3, operands="y x", vjp=(lambda g, y, x: g * x / (x * x + y * y),
                                                                lambda g, y, x: -g * y / (x * x + y * y)))

sinh = elementwise(np.sinh, vjp=lambda g, x: g * np.cosh(x))
cosh = elementwise(np.cosh, vjp=lambda g, x: g * np.sinh(x))
tanh = elementwise(np.tanh, vjp=lambda g, out: g * (1 - out * out))
arcsinh = elementwise(np.arcsinh, vjp=lambda g, x: g / np.sqrt(x * x + 1))
arccosh = elementwise(np.arccosh, vjp=lambda g, x: g / np.sqrt((x - 1) * (x + 1)), low=1.2, high=3.0)
arctanh = elementwise(np.arctanh, vjp=lambda g, x: g / ((1 - x) * (1 + x)), low=-0.9, high=0.9)

deg2rad = elementwise(np.deg2rad, vjp=lambda g: g * (pi / 180))
rad2deg = elementwise(np.rad2deg, vjp=lambda g: g * (180 / pi))
radians = elementwise(np.radians, vjp=lambda g: g * (pi / 180))
degrees = elementwise(np.degrees, vjp=lambda g: g * (180 / pi))


def sinc_kernel(x: Any) -> Any:
    return np.sinc(floats(x))


# d/dz of sin(z)/z as a power series in z², highest power first: sum over k of (-1)^k 2k z^(2k-1) / (2k+1)!
SERIES = [(-1) ** k * 2 * k / factorial(2 * k + 1) for k in range(10, 0, -1)]


def sinc_slope(x: Any, out: Any) -> Any:
    """(cos(pi x) - sinc(x)) / x, which cancels near 0; there the series, so that higher orders are right too."""
    near = np.abs(x) < 0.3
    z = pi * np.where(near, x, 0)
    series = SERIES[0] * z * z
    for coefficient in SERIES[1:-1]:
        series = (series + coefficient) * z * z
    return np.where(near, pi * z * (series + SERIES[-1]), (np.cos(pi * x) - out) / np.where(near, 1, x))


sinc = FUNCTIONS[np.sinc] = elementwise(sinc_kernel, name="sinc", vjp=lambda g, x, out: g * sinc_slope(x, out),
                                        doc="sin(pi x) / (pi x), and 1 at 0 (NumPy's np.sinc).")
