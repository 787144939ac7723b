"""A bag of ids: their rows pooled over time, without the tensor of all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops.bags import bag_argmax, bag_pick, bag_sum
from ..ops.gather import gather_sum
from ..ops.ids import ids_within
from .common import as_float, one_of, want_ndim
from .embedding import Embedding, both
from .layer import registry, signature_of

MODES = ("sum", "mean", "max")


@registry.register()
class EmbeddingBag(Embedding):
    """The sum, mean or maximum of the rows of a bag of ids: (batch, time) -> (batch, output_dim).

    It is what pooling an Embedding over time gives, but the tensor (batch, time, output_dim) is never made.

    mode: "sum", "mean" or "max". Other arguments are those of Embedding, but for scale_grad_by_freq. Left out of sum,
    mean and maximum are the ids 0 with mask_zero=True, padding_idx, what oov="zero" finds out of range, and what a
    mask leaves out; a bag of nothing is zeros. With mode "sum", a call takes per_sample_weights (batch, time), by which
    the rows are multiplied. PyTorch counterpart: torch.nn.EmbeddingBag.

    >>> layer = EmbeddingBag.from_pretrained([[0.0, 0.0], [1.0, 2.0], [3.0, 6.0]], mask_zero=True)
    >>> layer([[1, 2, 0], [0, 0, 0]]).numpy()
    array([[2., 4.],
           [0., 0.]], dtype=float32)
    """

    def __init__(self, input_dim: int, output_dim: int, mode: str = "mean", **kwargs: Any) -> None:
        if kwargs.get("scale_grad_by_freq"):
            raise TypeError("EmbeddingBag: scale_grad_by_freq is for Embedding alone; pool its output instead")
        super().__init__(input_dim, output_dim, **kwargs)
        self.mode = one_of(self, "mode", mode, MODES)

    def call(self, inputs: Any, reverse: bool = False, per_sample_weights: Any = None, mask: Any = None) -> Any:
        if reverse:
            return self._logits(inputs)
        want_ndim(inputs, 2, "(batch, time)")
        kept, ids = self._kept(self._ids(inputs))
        for other in (np.not_equal(inputs, 0) if self.mask_zero else None, mask):
            kept = kept if other is None else both(kept, other)
        weights = self._weights(per_sample_weights, inputs)
        if self.mode == "max":
            places = ids if kept is None else np.where(kept, ids, -1)
            return bag_pick(self.embeddings, bag_argmax(self.embeddings, places))
        if kept is not None:
            counted = kept.astype(self.embeddings.dtype)
            weights = counted if weights is None else weights * counted
        total = gather_sum(self.embeddings, ids) if weights is None else bag_sum(self.embeddings, ids, weights)
        if self.mode == "sum":
            return total
        if kept is None and inputs.shape[1] is not None:
            return total / max(inputs.shape[1], 1)
        counted = np.ones_like(ids, dtype=total.dtype) if kept is None else counted
        return total / np.maximum(np.sum(counted, axis=1, keepdims=True), 1)

    def _ids(self, inputs: Any) -> Any:
        ids = super()._ids(inputs)
        if self.mode == "max" and self.oov == "raise":  # elsewhere the sums check them
            return ids_within(ids, limit=self.input_dim, oov="raise")
        return ids

    def _weights(self, given: Any, inputs: Any) -> Any:
        if given is None:
            return None
        if self.mode != "sum":
            raise ValueError(f"{self.name}: per_sample_weights go with mode='sum'; the mode is {self.mode!r}")
        if len(given.shape) != 2 or any(n != m for n, m in zip(given.shape, inputs.shape) if None not in (n, m)):
            raise ShapeError(
                f"per_sample_weights has the shape {given.shape}, expected that of the ids, {inputs.shape}"
            )
        weights = as_float(given, self.dtype)
        return weights if weights.dtype == self.embeddings.dtype else weights.astype(self.embeddings.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None  # there is no time any more

    @classmethod
    def _arguments(cls) -> tuple[str, ...]:
        names = (*signature_of(Embedding.__init__), *signature_of(cls.__init__))
        return tuple(name for name in dict.fromkeys(names) if name != "scale_grad_by_freq")
