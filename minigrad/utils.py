"""Small helpers, under the names that Keras has for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import config
from .callbacks.progress import Progbar
from .core.symbol import Symbol
from .errors import unknown
from .random import set_seed

__all__ = [
    "Progbar",
    "is_keras_tensor",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]


def set_random_seed(seed: int) -> None:
    """Make everything random repeatable from here on: weights, shuffles, dropout. NumPy's global state is left alone.

    Keras counterpart: keras.utils.set_random_seed.

    >>> from minigrad.layers import Dense, Input
    >>> def fresh():
    ...     set_random_seed(7)
    ...     return Dense(2)(Input((3,))).node.fn.get_weights()[0]
    >>> bool((fresh() == fresh()).all())
    True
    """
    set_seed(seed)


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Class numbers as one-hot rows: (...) int -> (..., num_classes); a trailing axis of size 1 goes.

    num_classes: by default the largest class plus 1. ValueError for a class that is negative, too large or not whole.
    Keras counterpart: keras.utils.to_categorical.

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    given = np.asarray(x)
    if given.ndim > 1 and given.shape[-1] == 1:
        given = given[..., 0]
    if given.dtype.kind not in "biuf":
        raise TypeError(f"to_categorical: class numbers must be whole numbers, got dtype {given.dtype}")
    with np.errstate(invalid="ignore"):  # NaN as an integer is no NaN, which comparing finds
        classes = given.astype(np.int64)
    count = int(classes.max(initial=-1)) + 1 if num_classes is None else num_classes
    bad = (classes != given) | (classes < 0) | (classes >= count)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        expected = f"a whole number from 0 to {count - 1}" if num_classes else "a whole number from 0"
        raise ValueError(f"to_categorical: class {given[at]} at {list(at)} is not {expected}")
    return np.eye(count, dtype=config.floatx())[classes]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as one array: -> (len(sequences), maxlen, ...).

    maxlen: by default the longest's length. padding, truncating: at which end, 'pre' or 'post'. value: what fills the
    gaps. The steps of a sequence may be numbers, or arrays of one shape. ValueError if the shapes differ, or if dtype
    cannot hold a number.
    Keras counterpart: keras.utils.pad_sequences.

    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
    array([[0, 1],
           [3, 4]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise unknown(f"{name} of pad_sequences", side, ("pre", "post"))
    arrays = []
    for i, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"pad_sequences: sequences[{i}] is {sequence!r}, expected a list or an array")
        arrays.append(np.asarray(sequence))
    length = max(map(len, arrays), default=0) if maxlen is None else maxlen
    step = next((a.shape[1:] for a in arrays if len(a)), ())
    out = np.full((len(arrays), length, *step), value, dtype)
    for i, array in enumerate(arrays):
        kept = array[max(0, len(array) - length) :] if truncating == "pre" else array[:length]
        if not len(kept):
            continue
        if kept.shape[1:] != step:
            raise ValueError(f"pad_sequences: sequences[{i}] has steps of shape {kept.shape[1:]}, the first of {step}")
        cast = kept.astype(out.dtype)
        if out.dtype.kind in "iu" and not np.array_equal(cast, kept):
            at = int(np.argwhere(cast != kept)[0][0])
            raise ValueError(f"pad_sequences: dtype {out.dtype} cannot hold {kept[at]} of sequences[{i}]")
        out[i, slice(length - len(kept), None) if padding == "pre" else slice(len(kept))] = cast
    return out


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """x divided by its norm along an axis; zeros stay zeros. Keras counterpart: keras.utils.normalize.

    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(array, order, axis, keepdims=True))
    return array / np.where(norm == 0, 1, norm).astype(norm.dtype)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) from what a `train_step` is given, with None for what is not there.

    Keras counterpart: keras.utils.unpack_x_y_sample_weight.

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"a batch must be x, (x, y) or (x, y, sample_weight); got a tuple of {len(data)}")
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> tuple:
    """The shortest of (x,), (x, y) and (x, y, sample_weight). Keras counterpart: keras.utils.pack_x_y_sample_weight.

    >>> pack_x_y_sample_weight("x", "y")
    ('x', 'y')
    """
    return (x, y, sample_weight) if sample_weight is not None else (x,) if y is None else (x, y)


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int | None = 96,
    layer_range: Any = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **unknown_arguments: Any,
) -> Any:
    """Draw a model's layers to a file, and give the picture, which notebooks show.

    to_file: its ending says what is written: .png, .svg, .pdf, .dot, .mmd (Mermaid), .txt, .html; None: nothing. PNG
    and PDF need Graphviz's dot, PNG alternatively graphviz-pure; without them the SVG is written beside it, with a
    warning. rankdir: 'TB', 'LR', 'BT' or 'RL'. expand_nested: draw the models inside, too. dpi: of PNG. layer_range:
    names of the first and the last layer.
    Keras counterpart: keras.utils.plot_model. `Model.plot` shows more: ops, programs, and values for a batch.

    >>> from minigrad.layers import Dense, Input
    >>> from minigrad.models import Model
    >>> x = Input((4,))
    >>> picture = plot_model(Model(x, Dense(2)(x)), to_file=None, show_shapes=True)
    >>> picture.svg("builtin").count('class="box"')
    2
    """
    from .visualize.plot import plot_model as draw

    names = draw.__code__.co_varnames[: draw.__code__.co_argcount]
    if unknown_arguments:
        raise TypeError(str(unknown("argument of plot_model()", next(iter(unknown_arguments)), names)))
    return draw(
        model, to_file, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, layer_range,
        show_layer_activations, show_trainable,
    )  # fmt: skip


def is_keras_tensor(x: Any) -> bool:
    """Whether x is a symbol of a functional graph. Keras counterpart: keras.utils.is_keras_tensor."""
    return isinstance(x, Symbol)
