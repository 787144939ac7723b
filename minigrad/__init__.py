"""minigrad: deep learning through Keras's functional API on plain NumPy, with everything open to look at.

>>> import minigrad as mg
>>> x = mg.Input((1000,))
>>> y = mg.layers.Embedding(12 + 1, 3, input_length=1000)(x)
>>> mg.Model(inputs=x, outputs=y).count_params()
39
"""

from . import (
    activations,
    callbacks,
    config,
    constraints,
    errors,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    preprocessing,
    random,
    regularizers,
    utils,
)
from .core.autodiff import grad
from .core.check import check_grads
from .core.mode import detect_anomaly, no_grad, record
from .core.rowsparse import RowSparse
from .core.symbol import Symbol
from .core.tensor import Tensor, Variable
from .core.transforms import custom_vjp, hessian, hvp, jacobian, jvp, stop_gradient, value_and_grad, vjp
from .layers.input import Input
from .models import Model, Sequential

__version__ = "0.1.0"

__all__ = [
    "Tensor", "Variable", "Symbol", "RowSparse",
    "grad", "value_and_grad", "vjp", "jvp", "jacobian", "hessian", "hvp",
    "no_grad", "stop_gradient", "custom_vjp", "check_grads", "detect_anomaly", "record",
    "Input", "Model", "Sequential",
    "activations", "callbacks", "config", "constraints", "embeddings", "errors", "initializers", "layers",
    "losses", "metrics", "models", "ops", "optimizers", "preprocessing", "random", "regularizers", "utils",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name == "embeddings":  # loaded when it is first named: most models need no word vectors
        from importlib import import_module

        return import_module(".embeddings", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(ipython: object) -> None:
    """`%load_ext minigrad` in a notebook brings the cell magic `%%minigrad`: profile, draw or record a cell."""
    from .visualize.magic import load

    load(ipython)
