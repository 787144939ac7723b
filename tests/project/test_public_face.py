"""What users reach from `minigrad` itself, under Keras's and NumPy's names."""

from __future__ import annotations

import inspect
import re
import types

import pytest

import minigrad

FUNCTIONS = """
    Tensor grad value_and_grad vjp jvp jacobian hessian hvp no_grad stop_gradient custom_vjp check_grads
    detect_anomaly Input Model Sequential
""".split()

# The modules, and of each a part that later versions must not lose.
MODULES = {
    "layers": """
        Layer Input InputLayer Embedding Dense Activation Dropout Flatten Reshape Permute RepeatVector Lambda
        Concatenate Add Subtract Multiply Average Maximum Minimum Dot
        GlobalAveragePooling1D GlobalMaxPooling1D
    """,
    "preprocessing": """
        CategoryEncoding Discretization HashedCrossing Hashing IntegerLookup Normalization StringLookup
        TextVectorization
    """,
    "models": "Model Sequential",
    "optimizers": "SGD RMSprop Adam AdamW Adagrad",
    "losses": """
        MeanSquaredError MeanAbsoluteError
        BinaryCrossentropy CategoricalCrossentropy SparseCategoricalCrossentropy
    """,
    "metrics": """
        MeanSquaredError MeanAbsoluteError RootMeanSquaredError
        BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy
    """,
    "callbacks": "Callback History EarlyStopping TerminateOnNaN",
    "initializers": """
        Zeros Ones Constant RandomUniform RandomNormal GlorotUniform GlorotNormal HeUniform HeNormal
    """,
    "regularizers": "L1 L2",
    "constraints": "NonNeg MaxNorm UnitNorm",
    "activations": "relu sigmoid tanh softmax softplus gelu linear",
    "ops": "exp matmul sum einsum relu softmax",
    "random": "",
    "utils": "set_random_seed",
    "config": "floatx",
    "errors": "",
}


def public_names(module: types.ModuleType) -> list[str]:
    """The names of `__all__`, or else what the module defines without an underscore."""
    listed = getattr(module, "__all__", None)
    ours = [n for n, v in vars(module).items() if getattr(v, "__module__", "").startswith("minigrad")]
    return list(listed) if listed is not None else [n for n in ours if not n.startswith("_")]


@pytest.mark.parametrize("name", FUNCTIONS + list(MODULES))
def test_minigrad_exposes(name):
    assert hasattr(minigrad, name)
    assert name in minigrad.__all__


@pytest.mark.parametrize("module", MODULES)
def test_module_has_the_names_of_keras(module):
    found = getattr(minigrad, module)
    assert [name for name in MODULES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize("module", ["", *MODULES])
def test_every_public_function_and_class_says_what_it_does(module):
    home = getattr(minigrad, module) if module else minigrad
    assert (home.__doc__ or "").strip()
    silent = [name for name in public_names(home) if _is_silent(getattr(home, name))]
    assert silent == []


def _is_silent(thing: object) -> bool:
    if not (inspect.isclass(thing) or callable(thing)):
        return False
    doc = (thing.__doc__ or "").strip()
    made_by_dataclass = inspect.isclass(thing) and doc.startswith(f"{thing.__name__}(")
    return not doc or made_by_dataclass


def test_the_version_is_a_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.?[a-z]+\d+)?", minigrad.__version__)
