"""What neural networks add to NumPy: activations and one-hot. Softmax and its losses are in logits.py."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from .. import config
from ..core.op import Op
from ..core.samples import Draw, Sample
from ..core.spec import Spec
from .error_function import erf, erf_kernel
from .families import common_spec, elementwise, float_dtype, floats
from .ids import check_ids
from .logits import log_softmax, same_shapes, softmax, softmax_cross_entropy, sparse_softmax_cross_entropy

__all__ = [
    "elu", "gelu", "hard_sigmoid", "leaky_relu", "log_sigmoid", "log_softmax", "mish", "one_hot", "relu",
    "selu", "sigmoid", "sigmoid_cross_entropy", "silu", "softmax", "softmax_cross_entropy", "softplus",
    "softsign", "sparse_softmax_cross_entropy",
]


# -- kinked -----------------------------------------------------------------------------------------------------------


def relu_kernel(x: Any, *, out: Any = None) -> Any:
    return np.maximum(x, 0, out=out)


relu = elementwise(relu_kernel, name="relu", spec=lambda x: common_spec(x, Spec((), int)),
                   vjp=lambda g, out: g * (out > 0), doc="""
max(x, 0); the gradient at 0 is 0 (keras.ops.relu).

>>> relu(np.array([-1.0, 2.0]))
array([0., 2.])
""")


def leaky_relu_kernel(x: Any, *, slope: float) -> Any:
    """x above 0, slope * x below."""
    x = floats(x)
    return np.where(np.greater(x, 0), x, np.multiply(slope, x))


leaky = elementwise(leaky_relu_kernel, name="leaky_relu", vjp=lambda g, x, slope: np.where(x > 0, g, slope * g),
                    samples=lambda draw: ((draw.array(draw.shape()),), {"slope": 0.2}))


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x above 0, negative_slope * x below (keras.ops.leaky_relu)."""
    return leaky(x, slope=negative_slope)


def elu_kernel(x: Any, *, alpha: float) -> Any:
    """x above 0, alpha * (exp(x) - 1) below."""
    x = floats(x)
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))


exponential_unit = elementwise(elu_kernel, name="elu", vjp=lambda g, x, out, alpha: g * np.where(x > 0, 1, out + alpha),
                               samples=lambda draw: ((draw.array(draw.shape()),), {"alpha": 1.3}))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha * (exp(x) - 1) below (keras.ops.elu; Clevert et al., 2016)."""
    return exponential_unit(x, alpha=alpha)


def selu(x: Any) -> Any:
    """elu with the scale and alpha that keep mean 0 and variance 1 (keras.ops.selu; Klambauer et al., 2017)."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def hard_sigmoid(x: Any) -> Any:
    """A sigmoid of three straight lines, relu6(x + 3) / 6 as in Keras 3 (keras.ops.hard_sigmoid)."""
    return np.clip(x / 6 + 0.5, 0, 1)


# -- smooth -----------------------------------------------------------------------------------------------------------


def sigmoid_kernel(x: Any) -> Any:
    """No exp of a positive number, so that nothing overflows; no 1 - ..., so that small results are exact."""
    x = floats(x)
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


sigmoid = elementwise(sigmoid_kernel, name="sigmoid", vjp=lambda g, out: g * (out * (1 - out)), doc="""
1 / (1 + exp(-x)), without overflow or warning for any x (keras.ops.sigmoid).

>>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
array([0. , 0.5, 1. ])
""")


def softplus_kernel(x: Any) -> Any:
    x = floats(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


softplus = elementwise(softplus_kernel, name="softplus", vjp=lambda g, x: g * sigmoid(x), doc="""
log(1 + exp(x)), without overflow (keras.ops.softplus).

>>> softplus(np.array([0.0, 1000.0]))
array([6.931e-01, 1.000e+03])
""")


def sigmoid_cross_entropy_kernel(logits: Any, targets: Any) -> Any:
    """-t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z)) of each element."""
    logits = floats(logits)
    targets = np.asarray(targets, logits.dtype)
    same_shapes(logits, targets)
    return np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))


def sigmoid_cross_entropy_spec(logits: Spec, targets: Spec) -> Spec:
    same_shapes(logits, targets)
    return Spec(logits.shape, float_dtype(logits.dtype))


def sigmoid_samples(draw: Draw) -> Sample:
    shape = draw.shape()
    return (draw.array(shape), draw.array(shape, 0, 1)), {}


binary_row = Op(
    sigmoid_cross_entropy_kernel, name="sigmoid_cross_entropy", spec=sigmoid_cross_entropy_spec, kind="other",
    samples=sigmoid_samples, vjp=(lambda g, logits, targets: g * (sigmoid(logits) - targets.astype(g.dtype)),
                                  lambda g, logits: -g * logits))


def sigmoid_cross_entropy(logits: Any, targets: Any) -> Any:
    """-t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z)) of each element, without overflow.

    targets: of the shape of the logits, 0, 1 or between; also differentiable. Raises ShapeError if the shapes differ.
    (keras.ops.binary_crossentropy, from_logits=True)

    >>> sigmoid_cross_entropy(np.array([0.0, -1000.0]), np.array([1.0, 1.0]))
    array([6.931e-01, 1.000e+03])
    """
    return binary_row(logits, targets)


def silu_kernel(x: Any) -> Any:
    x = floats(x)
    return x * sigmoid_kernel(x)


def silu_rule(g: Any, x: Any) -> Any:
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


silu = elementwise(silu_kernel, name="silu", vjp=silu_rule, doc="x * sigmoid(x), also called swish (keras.ops.silu).")


def softsign(x: Any) -> Any:
    """x / (1 + |x|) (keras.ops.softsign)."""
    return x / (1 + np.abs(x))


def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), without its underflow (keras.ops.log_sigmoid)."""
    return -softplus(-x)


def mish(x: Any) -> Any:
    """x * tanh(softplus(x)) (keras.ops.mish; Misra, 2019)."""
    return x * np.tanh(softplus(x))


TANH_SCALE, TANH_CUBE = sqrt(2 / pi), 0.044715


def gelu_kernel(x: Any, *, approximate: bool = False) -> Any:
    """x times the normal distribution's probability below x."""
    x = floats(x)
    if approximate:
        return 0.5 * x * (1 + np.tanh(TANH_SCALE * (x + TANH_CUBE * x * x * x)))
    return 0.5 * x * (1 + erf_kernel(x * sqrt(0.5)))


def gelu_rule(g: Any, x: Any, approximate: bool) -> Any:
    if approximate:
        t = np.tanh(TANH_SCALE * (x + TANH_CUBE * x * x * x))
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (TANH_SCALE + 3 * TANH_SCALE * TANH_CUBE * x * x))
    return g * (0.5 * (1 + erf(x * sqrt(0.5))) + x * ((1 / sqrt(2 * pi)) * np.exp(-0.5 * x * x)))


gaussian_unit = elementwise(gelu_kernel, name="gelu", vjp=gelu_rule,
                            samples=lambda draw: ((draw.array(draw.shape()),), {"approximate": draw.flag()}))


def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the normal distribution's probability below x (Hendrycks and Gimpel, 2016).

    approximate: take the paper's formula with tanh in place of the exact one with erf. The default is that of
    keras.activations.gelu (keras.ops.gelu has True).

    >>> gelu(np.array([-1.0, 0.0, 1.0]))
    array([-0.15865525,  0.        ,  0.84134475])
    """
    return gaussian_unit(x, approximate=approximate)


# -- one-hot ----------------------------------------------------------------------------------------------------------


def one_hot_kernel(ids: Any, *, num_classes: int, dtype: np.dtype) -> np.ndarray:
    """Ones at the places of the ids, along a new last axis."""
    ids = check_ids(ids, limit=num_classes, argument="num_classes")
    out = np.zeros((ids.size, num_classes), dtype)
    out[np.arange(ids.size), ids.reshape(-1)] = 1
    return out.reshape(*ids.shape, num_classes)


def one_hot_samples(draw: Draw) -> Sample:
    return (draw.ids(draw.shape(), 5),), {"num_classes": 5, "dtype": np.dtype(np.float32)}


one_hot_row = Op(one_hot_kernel, name="one_hot", kind="other", samples=one_hot_samples,
                 spec=lambda ids, *, num_classes, dtype: Spec((*ids.shape, num_classes), dtype))


def one_hot(ids: Any, num_classes: int, dtype: Any = None) -> Any:
    """Along a new last axis of size num_classes, a one at the place of the id and zeros elsewhere (keras.ops.one_hot).

    dtype: by default `config.floatx()`. Raises IdError for an id outside [0, num_classes); Keras gives a row of zeros.

    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    return one_hot_row(ids, num_classes=int(num_classes), dtype=np.dtype(dtype or config.floatx()))
