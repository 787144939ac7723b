"""Masks: which time steps count. They hang on values, and go from layer to layer with them.

What makes a mask, passes it on or uses it up is for each layer to say: see `Layer`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.symbol import Symbol
from ..core.tensor import Tensor, Variable, wrap
from ..core.tree import leaves, map_leaves
from ..errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from .layer import Layer


def mask_of(value: Any) -> Any:
    """The mask that a value carries, None if there is none; of a list or dict of values, theirs in its structure."""
    if isinstance(value, (Tensor, Symbol)):
        return value.mask
    if not isinstance(value, (list, tuple, dict)):
        return None
    masks = map_leaves(mask_of, value)
    return masks if any(m is not None for m in leaves(masks)) else None


def as_mask(mask: Any) -> Any:
    """A mask that a caller gave, as Tensors or Symbols of booleans; 0 and 1 will do, in lists too."""
    if isinstance(mask, (list, tuple, dict)) and any(m is None or hasattr(m, "shape") for m in leaves(mask)):
        return map_leaves(as_mask, mask)
    if mask is None or isinstance(mask, (Tensor, Symbol)):
        return mask if mask is None or mask.dtype == bool else np.not_equal(mask, 0)
    array = np.asarray(mask)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"mask={mask!r}; expected booleans, True for each time step that counts")
    return wrap(array != 0)


def given_mask(layer: Layer, names: tuple[str, ...], args: tuple, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """(the mask of a call's inputs: the one that the caller gave, or else their own; the keywords for `call`).

    names: the parameters of the layer's `call`, self included. Warns if the mask is lost.
    """
    mask = kwargs.get("mask")
    if "mask" in names:
        place = names.index("mask") - 1
        if place < len(args):
            return args[place], kwargs
        if mask is None and args:
            mask = mask_of(args[0])
            kwargs = kwargs if mask is None else {**kwargs, "mask": mask}
        return mask, kwargs
    if "mask" in kwargs:
        if not layer.supports_masking:
            raise TypeError(f"{layer.name} ({type(layer).__name__}) takes no mask; it would have no effect")
        kwargs = {name: value for name, value in kwargs.items() if name != "mask"}
    if mask is None and args:
        mask = mask_of(args[0])
        if mask is not None and not (layer.supports_masking or layer._makes_masks() or layer.sublayers()):
            warn_of_loss(layer, args[0])
    return mask, kwargs


def attach(result: Any, masks: Any, inputs: tuple) -> Any:
    """What a call on these inputs returned, each value with its mask.

    A value that brought a mask along, from a layer inside, keeps it.
    """
    values, flat = list(leaves(result)), list(leaves(masks))
    if len(flat) != len(values):
        raise ShapeError(
            f"compute_mask gave {len(flat)} masks for {len(values)} outputs, expected one for each: a layer that makes "
            "one tensor of several, or several of one, writes compute_mask(self, inputs, mask) itself"
        )
    carrying = iter([with_mask(value, mask, inputs) for value, mask in zip(values, flat)])
    return map_leaves(lambda _: next(carrying), result)


def with_mask(value: Any, mask: Any, inputs: tuple) -> Any:
    """The value, carrying the mask; an input or a weight, which others hold as well, stays as it is."""
    if mask is None or not isinstance(value, (Tensor, Symbol)) or value.mask is mask:
        return value
    given = any(value is x for x in inputs)
    if value.mask is not None and not given:
        return value
    if given or isinstance(value, Variable):
        value = value[...]
    value.mask = mask
    return value


def warn_of_loss(layer: Layer, inputs: Any) -> None:
    """Warn, once for each layer, that a mask ends at it."""
    if layer._warned_of_mask:
        return
    layer._warned_of_mask = True
    value = next(x for x in leaves(inputs) if mask_of(x) is not None)
    made = getattr(getattr(value.mask, "node", None) or value.node, "scope", None)
    source = f"the mask that came from {made.layer.name}" if made else f"the mask of its input {value.shape}"
    warnings.warn(
        f"{layer.name} ({type(layer).__name__}) does not know masks, so {source} ends there: all that follows takes "
        "padding for data. A layer of your own says supports_masking = True if its output has the time steps of its "
        "input, or takes mask= in its call",
        stacklevel=4,
    )
