"""The embedding: a table whose rows are learned, looked up by id."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import constraints, initializers, regularizers
from ..core.tensor import wrap
from ..errors import ShapeError
from ..ops.gather import gather
from ..ops.ids import ids_of
from .common import Shape, SingleInput, whole_number
from .layer import registry


@registry.register()
class Embedding(SingleInput):
    """The row of a table for each id: (batch, time) of ids -> (batch, time, output_dim), or any other shape of ids.

    input_dim: rows of the table, the largest id + 1. output_dim: length of a row. input_length: how many ids each
    input has (a tuple for several axes); checked, and the input's shape if the layer is a Sequential's first.
    weights: the table to begin with, (input_dim, output_dim), or a list of it. There is one weight, `embeddings`;
    its gradient is a RowSparse. Raises IdError for an id that is no whole number from 0 to input_dim - 1.
    Keras counterpart: keras.layers.Embedding.

    >>> import minigrad as mg
    >>> layer = Embedding(12 + 1, 3, input_length=1000)
    >>> layer(mg.Input((1000,))).shape, layer.count_params()
    ((None, 1000, 3), 39)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        weights: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.input_dim = whole_number(self, "input_dim", input_dim)
        self.output_dim = whole_number(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        if mask_zero:
            raise NotImplementedError(
                "Embedding: mask_zero=True needs masks, which minigrad does not have yet. Leave it out, and pick "
                "the time-steps that count by a second input of zeros and ones"
            )
        self.mask_zero = False
        if isinstance(input_length, (int, np.integer)):
            input_length = whole_number(self, "input_length", input_length, 0)
        self.input_length = tuple(input_length) if isinstance(input_length, list) else input_length
        if self.input_length is not None and self.batch_input_shape is None:
            self.batch_input_shape = (None, *self.lengths())
        self._first = None if weights is None else self._table(weights)

    def _table(self, weights: Any) -> np.ndarray:
        """The values given as `weights`, checked."""
        table = np.asarray(weights[0] if isinstance(weights, (list, tuple)) and len(weights) == 1 else weights)
        if table.shape != (self.input_dim, self.output_dim):
            raise ShapeError(
                f"Embedding: weights has shape {table.shape}, expected (input_dim, output_dim) = "
                f"{(self.input_dim, self.output_dim)}"
            )
        return table

    def lengths(self) -> Shape:
        """input_length as sizes of the axes after the batch."""
        return self.input_length if isinstance(self.input_length, tuple) else (self.input_length,)

    def build(self, input_shape: Shape) -> None:
        first, self._first = self._first, None
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            name="embeddings",
            initializer=self.embeddings_initializer if first is None else initializers.Constant(first),
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def call(self, inputs: Any) -> Any:
        if self.input_length is not None:
            self._check_lengths(inputs.shape[1:])
        ids = inputs if inputs.dtype.kind in "iu" else ids_of(inputs, limit=self.input_dim)
        return gather(self.embeddings, ids)  # which checks their range

    def _check_lengths(self, sizes: Shape) -> None:
        lengths = self.lengths()
        if len(sizes) != len(lengths):
            raise ShapeError(
                f"input_length={self.input_length} is for inputs of {len(lengths) + 1} axes (the batch "
                f"first), but the input has {len(sizes) + 1}"
            )
        for axis, (n, length) in enumerate(zip(sizes, lengths), 1):
            if None not in (n, length) and n != length:
                raise ShapeError(
                    f"input_length={self.input_length}, but axis {axis} of the input has size {n}: "
                    "give the Input that length, or leave input_length out"
                )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["weights"]  # values, not configuration
        return config

    def _value(self, x: Any) -> Any:
        """Ids keep their dtype until they have been checked: float32 could hide that 3.00000001 is no id."""
        return wrap(x) if isinstance(x, np.ndarray) else x
