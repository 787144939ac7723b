"""The embedding: a table whose rows are learned, looked up by id."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np

from .. import constraints, initializers, regularizers
from ..core.rows import Table
from ..core.tensor import Tensor, wrap
from ..errors import ShapeError
from ..ops.creation import scale_gradient
from ..ops.gather import gather
from ..ops.ids import ids_of, ids_within, occurrences
from .arguments import as_values
from .common import Shape, SingleInput, as_float, one_of, whole_number
from .layer import registry
from .table_arguments import (
    at_most,
    check_lengths,
    first_table,
    lengths_of,
    positive_number,
    row_number,
    row_numbers,
)

OUT_OF_RANGE = ("raise", "clip", "zero", "last")


@registry.register()
class Embedding(SingleInput):
    """The row of a table for each id: (batch, time) of ids -> (batch, time, output_dim), or any other shape of ids.

    input_dim: rows of the table, the largest id + 1. output_dim: length of a row. There is one weight, `embeddings`;
    its gradient is a RowSparse. Raises IdError for an id that is no whole number from 0 to input_dim - 1.

    mask_zero: id 0 stands for padding: the output carries a mask, `ids != 0` (see Layer). input_length: how many ids
    each input has (a tuple for several axes); checked, and the input's shape if the layer is a Sequential's first.
    weights: the table to begin with, (input_dim, output_dim), or a list of it.

    padding_idx: an id whose output is zeros, whatever its row holds; the row is zero at first and gets no gradient.
    max_norm: after each step, rows of a greater norm (of order norm_type) are scaled down to it.
    scale_grad_by_freq: the gradient of each place is divided by how often its id stands in the batch.
    oov: what an id out of range gets: "raise" an IdError, "clip" for the nearest row, "zero" for zeros without a
    gradient, "last" for the last row. trainable_rows: the only rows that training moves, as ids or as input_dim
    booleans.

    storage: the path of a .npy file in which the table lies, for one that is larger than the memory; its slots in the
    optimizer lie beside it. It is opened if it is there, and then keeps its values. `layer.embeddings.close()` brings
    all rows up to date and lets others open it. See docs/large-tables.md.

    Keras counterpart: keras.layers.Embedding; from padding_idx on, torch.nn.Embedding.

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
        *,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        oov: str = "raise",
        trainable_rows: Any = None,
        storage: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.input_dim = whole_number(self, "input_dim", input_dim)
        self.output_dim = whole_number(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.input_length = lengths_of(self, input_length)
        if self.input_length is not None and self.batch_input_shape is None:
            self.batch_input_shape = (None, *self.lengths())
        self.padding_idx = None if padding_idx is None else row_number(self, padding_idx, self.input_dim)
        self.max_norm = None if max_norm is None else positive_number(self, "max_norm", max_norm)
        self.norm_type = positive_number(self, "norm_type", norm_type)
        self.scale_grad_by_freq = bool(scale_grad_by_freq)
        self.oov = one_of(self, "oov", oov, OUT_OF_RANGE)
        self.trainable_rows = None if trainable_rows is None else row_numbers(self, trainable_rows, self.input_dim)
        self.storage = storage
        self._first = None if weights is None else first_table(self, weights, (self.input_dim, self.output_dim))

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        **kwargs: Any,
    ) -> Self:
        """A layer that begins with a given table, (rows, width); freeze: it stays as it is. Other arguments are the
        layer's. PyTorch counterpart: torch.nn.Embedding.from_pretrained, with its defaults.

        >>> layer = Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])
        >>> layer([1]).numpy(), layer.trainable
        (array([[3., 4.]], dtype=float32), False)
        """
        table = embeddings.numpy() if isinstance(embeddings, Tensor) else np.asarray(embeddings)
        if table.ndim != 2 or not table.size or table.dtype.kind not in "biuf":
            raise ShapeError(
                f"{cls.__name__}.from_pretrained: got {table.dtype} of shape {table.shape}, expected a table of "
                "numbers, (rows, width)"
            )
        kwargs |= {"padding_idx": padding_idx, "max_norm": max_norm, "norm_type": norm_type}
        return cls(table.shape[0], table.shape[1], weights=table, trainable=not freeze, **kwargs)

    def lengths(self) -> Shape:
        """input_length as sizes of the axes after the batch."""
        return self.input_length if isinstance(self.input_length, tuple) else (self.input_length,)

    # -- what it does ---------------------------------------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        first, self._first = self._first, None
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            name="embeddings",
            initializer=self.embeddings_initializer if first is None else initializers.Constant(first),
            regularizer=self.embeddings_regularizer,
            constraint=self._constraint(),
        )
        assert isinstance(self.embeddings, Table)
        if self.padding_idx is not None:
            self.embeddings.assign_rows(np.array([self.padding_idx]), 0)
        if self.padding_idx is not None or self.trainable_rows is not None:
            frozen = np.full(self.input_dim, self.trainable_rows is not None)
            frozen[self.trainable_rows or []] = False
            frozen[[] if self.padding_idx is None else self.padding_idx] = True
            self.embeddings.frozen = frozen

    def _constraint(self) -> Any:
        """What training does to the table after each step: embeddings_constraint, then max_norm."""
        if self.max_norm is None:
            return self.embeddings_constraint
        return partial(at_most, norm=self.max_norm, order=self.norm_type, first=self.embeddings_constraint)

    def _new_weight(self, shape: tuple[int, ...], dtype: np.dtype, initializer: Any, **options: Any) -> Table:
        return Table.filled(partial(initializers.fill, initializer), shape, dtype, storage=self.storage, **options)

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if reverse:
            return self._logits(inputs)
        found = self._ids(inputs)
        kept, ids = self._kept(found)
        rows = gather(self.embeddings, ids)  # which checks their range
        if self.scale_grad_by_freq:
            rows = scale_gradient(rows, np.expand_dims(1 / occurrences(found, dtype=self.embeddings.dtype), -1))
        return rows if kept is None else np.where(np.expand_dims(kept, -1), rows, 0)

    def attend(self, x: Any) -> Any:
        """The product of x with every row: (batch, ..., output_dim) -> (batch, ..., input_dim), with tied weights.

        It is another call of this layer, in a graph too, and the gradient goes to x and to the table. Of padding_idx it
        is 0. Flax counterpart: nnx.Embed.attend; in Keras a ReversibleEmbedding called with reverse=True.

        >>> Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]]).attend([[1.0, 1.0]]).numpy()
        array([[3., 7.]], dtype=float32)
        """
        return self(super()._value(as_values(x)), reverse=True)

    def _ids(self, inputs: Any) -> Any:
        """The inputs as integers; those out of range are treated as `oov` says, and -1 if they get zeros."""
        if self.input_length is not None:
            check_lengths(self.input_length, self.lengths(), inputs.shape[1:])
        if self.oov != "raise":
            return ids_within(inputs, limit=self.input_dim, oov=self.oov)
        return inputs if inputs.dtype.kind in "iu" else ids_of(inputs, limit=self.input_dim)

    def _kept(self, ids: Any) -> tuple[Any, Any]:
        """(which ids have a row that counts, None if all do; the ids, those that have none in range as well)."""
        kept = None
        if self.oov == "zero":
            kept, ids = ids >= 0, np.maximum(ids, 0)
        if self.padding_idx is not None:
            kept = both(kept, np.not_equal(ids, self.padding_idx))
        return kept, ids

    def _logits(self, x: Any) -> Any:
        if not x.shape or x.shape[-1] != self.output_dim:
            raise ShapeError(f"attend: expected a last axis of size output_dim={self.output_dim}, got {x.shape}")
        logits = as_float(x, self.dtype) @ self.embeddings.T
        if self.padding_idx is None:
            return logits
        return np.where(np.arange(self.input_dim) != self.padding_idx, logits, 0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return np.not_equal(inputs, 0) if self.mask_zero else None

    def _output_mask(self, args: tuple, kwargs: dict[str, Any], mask: Any) -> Any:
        return mask if kwargs.get("reverse") else super()._output_mask(args, kwargs, mask)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["weights"], config["storage"]  # values, not configuration
        return config

    def _value(self, x: Any) -> Any:
        """Ids keep their dtype until they have been checked: float32 could hide that 3.00000001 is no id."""
        return wrap(x) if isinstance(x, np.ndarray) else x

    def explain(self, ids: Any, upstream: Any = None, labels: Any = None, rows: Any = None) -> Any:
        """How the table's gradient comes about for these ids: an `Explanation`, to print, to show and to compute with.

        For each row it has every place in (batch, time) that used it, what each of them sent, and their sum.
        upstream: the gradient of the output; ones by default. labels: names of the rows, one for each or a dict by id.
        rows: which ones to show, or how many; by default those used most.
        """
        from ..visualize.explain import explain_layer

        return explain_layer(self, ids, upstream, labels, rows)

    def project(self, labels: Any = None, rows: Any = None) -> Any:
        """The rows of the table laid into the plane by principal components: a `Plane`, with a picture.

        labels: as in `explain`. rows: which, or how many of the first; by default the first 500.
        """
        from ..visualize.projection import project_layer

        return project_layer(self, labels, rows)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from ..visualize.displays_of_models import of_embedding

        return of_embedding(self)


def both(kept: Any, other: Any) -> Any:
    """Where both hold; None for everywhere."""
    return other if kept is None else np.logical_and(kept, other)
