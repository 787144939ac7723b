"""An embedding seen from inside: id, row, every place that used it, the gradient that each place sent, their sum."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.mode import no_grad
from ..core.tensor import Tensor
from ..errors import IdError
from ..layers.embedding import Embedding
from ..layers.layer import Layer
from ..ops.gather import gather
from .chosen import Labels, checked_labels, row_ids
from .explain_checks import Check, compare_all
from .explain_places import Places
from .explain_trace import Arrived, Lookup, as_drawn, through_layer, through_model
from .explain_words import MOST
from .shown import Shown

if TYPE_CHECKING:
    from ..core.rows import Table

SMALL = 24  # a table of so many rows is shown whole
USUAL = 16  # of a larger one, so many rows: those used most
REMEMBERED = 1000  # a table of so many rows is remembered whole, a larger one as far as it was used or asked for


@dataclass(frozen=True)
class Row:
    """One row of a table, and all that happened to it.

    values: (width,). count: how many places used it. calls: (count,), which look-up each place belongs to, from 0;
    places: (count, 2), its (batch, time); sent: (count, width), the gradient that it sent. total: (width,), their sum.
    """

    id: int
    label: str
    values: np.ndarray
    count: int
    calls: np.ndarray
    places: np.ndarray
    sent: np.ndarray
    total: np.ndarray


class Explanation(Shown):
    """What `Embedding.explain` and `Model.explain` return: print it, show it in a notebook, save it, compute with it.

    table: a `Row` for each row of the table that was used, by ascending id; `explanation[id]` is the row of an id.
    ids, counts, totals: the same as arrays. untouched: how many rows nobody used.
    lookups: `Lookup(ids, sent, output, name)` of each call. gradient: autodiff's own for the table; None: nothing came.
    elsewhere: the part of it that came by other ways than look-ups (penalties, tied weights), or None.
    frozen: how many rows no step moves. loss: of the step, or None. checks: what was compared, and how it differs.

    >>> import minigrad as mg
    >>> layer = mg.layers.Embedding(4, 2, weights=[[[0, 0], [1, 1], [2, 2], [3, 3]]])
    >>> _ = layer(mg.Input((3,)))
    >>> found = layer.explain([[3, 1, 3]], upstream=[[[1.0, 0.0], [5.0, 5.0], [10.0, 0.0]]])
    >>> found[3].places.tolist(), found[3].sent.tolist(), found[3].total.tolist()
    ([[0, 0], [0, 2]], [[1.0, 0.0], [10.0, 0.0]], [11.0, 0.0])
    """

    def __init__(
        self,
        name: str,
        table: Table,
        arrived: Arrived,
        upstream: str,
        loss: float | None = None,
        labels: Labels = None,
        rows: Any = None,
    ) -> None:
        self.name, self.upstream, self.loss = name, upstream, loss
        self.shape: tuple[int, int] = (table.shape[0], table.shape[1])
        self.trainable = bool(table.trainable)
        self.frozen = 0 if table.frozen is None else int(np.sum(table.frozen))
        self.labels = checked_labels(labels, self.shape[0])
        self.lookups: list[Lookup] = arrived.lookups
        self.elsewhere, self.gradient = arrived.elsewhere, arrived.gradient
        self.where = Places(self.lookups, self.shape[1], table.dtype)
        self.ids, self.counts, self.totals = self.where.ids, self.where.counts, self.where.totals
        self.shown = shown_rows(rows, self.where, self.shape[0])
        few = np.arange(self.shape[0] if self.shape[0] <= REMEMBERED else 0)
        self._known = np.unique(np.concatenate([few, self.ids, self.shown]))
        with no_grad():
            values = gather(table, self._known)  # which reads these rows alone
        self._values = values.numpy() if isinstance(values, Tensor) else values
        used = self._values[np.searchsorted(self._known, self.ids)]
        self.checks: list[Check] = compare_all(arrived, self.where, self.shape, used)

    @property
    def title(self) -> str:  # type: ignore[override] # the one here is made of the name
        """A heading."""
        return f"{self.name}, seen from inside"

    @property
    def untouched(self) -> int:
        """How many rows of the table no place used."""
        return self.shape[0] - len(self.ids)

    @property
    def table(self) -> list[Row]:
        """The rows that were used, by ascending id."""
        return [self[i] for i in self.ids.tolist()]

    def __getitem__(self, row: int) -> Row:
        """The row of an id. IdError if the table has no such row; KeyError if it is not remembered."""
        if not 0 <= row < self.shape[0]:
            raise IdError(f"explanation[{row}]: {self.name} has the ids 0 to {self.shape[0] - 1}")
        at = int(np.searchsorted(self._known, row))
        if at == len(self._known) or self._known[at] != row:
            raise KeyError(
                f"row {row} was not used, and of so large a table it is not remembered; ask for rows=[{row}]"
            )
        part, position = self.where.of(row), self.where.position(row)
        total = np.zeros_like(self._values[at]) if position is None else self.totals[position]
        where = self.where
        return Row(
            int(row), self.labels.get(row, ""), self._values[at], part.stop - part.start,
            where.calls[part], where.where[part], where.sent[part], total,
        )  # fmt: skip

    def labelled(self, labels: Labels) -> Explanation:
        """The same explanation with names for the rows: one for each row of the table, or a dict by id."""
        twin = copy(self)
        twin.labels = checked_labels(labels, self.shape[0])
        return twin

    def __str__(self) -> str:
        from .explain_text import as_text

        return as_text(self)

    def __repr__(self) -> str:
        places = sum(one.ids.size for one in self.lookups)
        return f"<Explanation of {self.name}: {len(self.ids):,} of {self.shape[0]:,} rows, used at {places:,} places>"

    def html(self) -> str:
        """A fragment of HTML for a notebook or a page: all that the text says, and the picture."""
        from .explain_html import as_html

        return as_html(self)

    def svg(self) -> str:
        """The heat map: which rows each time-step used, coloured by how much gradient came from there."""
        from .explain_svg import heat_map

        return heat_map(self)


def shown_rows(rows: Any, where: Places, count: int) -> np.ndarray:
    """The ids of the rows to show: those given; or of a small table all, of a larger one those used most."""
    ids = row_ids(rows, count)
    if ids is not None:
        return ids
    if rows is None and count <= SMALL:
        return np.arange(count)
    most = min(USUAL if rows is None else int(rows), MOST)
    if len(where.ids) <= most:
        return where.ids
    return where.ids[np.argsort(-where.counts, kind="stable")[:most]]


def explain_layer(layer: Any, ids: Any, upstream: Any = None, labels: Labels = None, rows: Any = None) -> Explanation:
    """See `Embedding.explain`."""
    if not layer.built:
        raise ValueError(
            f"explain: {layer.name} was never built, so it has no table yet; call it, or put it into a Model, first"
        )
    arrived = through_layer(layer, ids, upstream)
    said = "all ones, as none was given" if upstream is None else "as given"
    return Explanation(layer.name, layer.embeddings, arrived, said, labels=labels, rows=rows)


def explain_model(model: Any, x: Any, y: Any = None, sample_weight: Any = None, layer: Any = None) -> Any:
    """See `Model.explain`."""
    if not model.built:
        raise ValueError(
            f"explain: {model.name} has no weights yet: they come with its first call, or with build(input_shape)"
        )
    found = embeddings(model)
    if layer is not None:
        one = model.get_layer(layer) if isinstance(layer, str) else layer
        found = {path: each for path, each in found.items() if each is one}
        if not found:
            raise ValueError(f"explain: {getattr(one, 'name', one)!r} is no Embedding in {model.name}")
    if not found:
        raise ValueError(f"explain: there is no Embedding in {model.name}")
    tables = [each.embeddings for each in found.values()]
    every, loss = through_model(model, x, y, sample_weight, tables)
    said = f"from the loss, {loss:.6g}"
    out = {
        path: Explanation(
            path, each.embeddings, arrived._replace(lookups=as_drawn(arrived.lookups, each, model)), said, loss
        )
        for (path, each), arrived in zip(found.items(), every, strict=True)
    }
    return next(iter(out.values())) if len(out) == 1 else out


def embeddings(layer: Layer, prefix: str = "") -> dict[str, Any]:
    """The Embeddings within a layer that have a table, by path, each once."""
    out: dict[str, Any] = {}
    for path, one in layer.named_sublayers().items():
        inner = {f"{prefix}{path}": one} if isinstance(one, Embedding) else embeddings(one, f"{prefix}{path}/")
        out.update({p: x for p, x in inner.items() if x.built and all(x is not seen for seen in out.values())})
    return out
