"""Figures to save and to print: curves, confusion, gradient flow; and embeddings, in projection.

Each is a Shown: `svg()` needs nothing, `save("figure.svg")` keeps it, a notebook shows it, and `plot(ax)` draws the
same with matplotlib, for whoever wants its formats and its settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.autodiff import grad
from ..core.rowsparse import RowSparse
from ..errors import ShapeError
from ..models.data import unpack
from ..models.untouched import untouched
from .bars import bars
from .charts import ACCENT, COLOURS, curves
from .explain_words import clean
from .heat import SHADES
from .page import figure, table
from .shown import Shown
from .svg import FAINT_INK, INK, RULE, Element, fit, picture, text, text_width, translate

CELL, MOST_CLASSES = 40.0, 30
BLUES = SHADES[5::-1]  # from white to dark blue


class Curves(Shown):
    """The curves of a training, over the epochs: of a History, or of a dict of lists.

    >>> print(Curves({"loss": [3.0, 2.0], "val_loss": [3.5, 3.0]}))
    loss: 3 -> 2
    val_loss: 3.5 -> 3
    """

    def __init__(self, history: Any, title: str = "Training") -> None:
        given: Mapping[str, Sequence[float]] = getattr(history, "history", history)
        self.title = title
        self.series = {str(name): [float(v) for v in values] for name, values in given.items()}

    def svg(self) -> str:
        return curves(self.series, self.title)

    def html(self) -> str:
        return figure(self.svg(), f"{self}.".replace("\n", "; "))

    def plot(self, ax: Any = None) -> Any:
        """Draw it into axes of matplotlib, by default new ones; returns them."""
        ax = axes(ax, self.title, "epoch")
        lines = [
            ax.plot(range(1, len(values) + 1), values, color=COLOURS[i % len(COLOURS)])[0]
            for i, values in enumerate(self.series.values())
        ]
        legend = ax.legend(lines, ["-"] * len(lines))
        for label, name in zip(
            legend.get_texts(), self.series, strict=True
        ):  # not as labels, which may not begin with _
            as_data(label, name)
        ax.xaxis.get_major_locator().set_params(integer=True)
        return ax

    def __str__(self) -> str:
        return "\n".join(f"{clean(k, 60)}: {v[0]:.4g} -> {v[-1]:.4g}" for k, v in self.series.items() if v)


class Confusion(Shown):
    """How often each class was taken for each: `matrix`, (classes, classes), rows the true ones, columns the predicted.

    y_true, y_pred: class numbers, (n,); or probabilities, (n, classes), whose largest counts. labels: of the classes.

    >>> print(Confusion([0, 0, 1, 1], [0, 1, 1, 1], labels=["cat", "dog"]))
    3 of 4 right (75.0%); most often wrong: cat taken for dog, 1
    """

    title = "Confusion"

    def __init__(self, y_true: Any, y_pred: Any, labels: Sequence[str] | None = None) -> None:
        true, predicted = class_numbers("y_true", y_true), class_numbers("y_pred", y_pred)
        if len(true) != len(predicted):
            raise ShapeError(f"Confusion: y_true has {len(true)} rows, y_pred {len(predicted)}; expected as many")
        count = int(max(true.max(initial=0), predicted.max(initial=0))) + 1
        if labels is not None and len(labels) < count:
            raise ValueError(f"Confusion: {len(labels)} labels for {count} classes; expected one for each")
        count = max(count, 0 if labels is None else len(labels))
        if count > MOST_CLASSES:
            raise ValueError(f"Confusion: {count} classes; a picture has room for {MOST_CLASSES}")
        self.labels = [str(i) for i in range(count)] if labels is None else [clean(str(x), 40) for x in labels]
        self.matrix = np.zeros((count, count), np.int64)
        np.add.at(self.matrix, (true, predicted), 1)

    @property
    def shares(self) -> np.ndarray:
        """Of the rows of each true class, the part that was taken for each class."""
        return self.matrix / np.maximum(self.matrix.sum(axis=1, keepdims=True), 1)

    def svg(self) -> str:
        n = len(self.labels)
        left = max([text_width(name, 12) for name in self.labels], default=0.0)
        left, size = min(left, 140.0) + 36, CELL * n
        shapes = [text(self.title, 0, 12, 15, font_weight=600), text("predicted", left + size / 2, 36, 12, "middle")]
        for i, name in enumerate(self.labels):
            shapes.append(text(fit(name, 12, left - 36), left - 8, 60 + CELL * (i + 0.6), 12, "end"))
            shapes.append(text(fit(name, 11, CELL - 2), left + CELL * (i + 0.5), 54, 11, "middle", fill=FAINT_INK))
            for j, (number, share) in enumerate(zip(self.matrix[i].tolist(), self.shares[i].tolist(), strict=True)):
                x, y = left + CELL * j, 60 + CELL * i
                box = {"x": x, "y": y, "width": CELL, "height": CELL}
                shapes.append(Element("rect", **box, fill=BLUES[round(share * (len(BLUES) - 1))], stroke=RULE))
                ink = "#ffffff" if share > 0.5 else INK
                shapes.append(text(f"{number:,}", x + CELL / 2, y + CELL / 2 + 4, 11, "middle", fill=ink))
        turned = f"{translate(10, 60 + size / 2)} rotate(-90)"
        shapes.append(text("true", 0, 0, 12, "middle", transform=turned))
        return picture(left + size, 60 + size, *shapes, title=self.title)

    def html(self) -> str:
        return figure(self.svg(), f"{self}.") + table(
            [(name, *row) for name, row in zip(self.labels, self.matrix.tolist())], ("true \\ predicted", *self.labels)
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw it into axes of matplotlib, by default new ones; returns them."""
        ax = axes(ax, self.title, "predicted", "true")
        from matplotlib.colors import LinearSegmentedColormap  # after `axes`, which says what to install

        ax.imshow(self.shares, cmap=LinearSegmentedColormap.from_list("blues", BLUES), vmin=0, vmax=1)
        places = range(len(self.labels))
        for i in places:
            for j in places:
                ink = "white" if self.shares[i, j] > 0.5 else INK
                ax.text(j, i, f"{self.matrix[i, j]:,}", ha="center", va="center", color=ink)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_ticks(list(places), labels=["-"] * len(self.labels))
            name_ticks(axis, self.labels)
        return ax

    def __str__(self) -> str:
        right, total = int(np.trace(self.matrix)), int(self.matrix.sum())
        said = f"{right:,} of {total:,} right ({right / max(total, 1):.1%})"
        wrong = self.matrix - np.diag(np.diag(self.matrix))
        if not wrong.any():
            return said
        i, j = (int(k) for k in np.unravel_index(np.argmax(wrong), wrong.shape))
        return f"{said}; most often wrong: {self.labels[i]} taken for {self.labels[j]}, {wrong[i, j]:,}"


class GradientFlow(Shown):
    """How much gradient reaches each weight of a model in one training step, which is tried and changes nothing.

    `names`: of the weights, in the order of the layers. `means` and `largest`: of the absolute values of each gradient.

    >>> import minigrad as mg
    >>> x = mg.Input((4,))
    >>> model = mg.Model(x, mg.layers.Dense(1)(mg.layers.Dense(3, activation="tanh")(x)))
    >>> model.compile("sgd", "mse")
    >>> GradientFlow(model, np.ones((2, 4)), np.ones((2, 1))).names
    ['dense_1/kernel', 'dense_1/bias', 'dense_2/kernel', 'dense_2/bias']
    """

    def __init__(self, model: Any, x: Any, y: Any = None, sample_weight: Any = None) -> None:
        named = {path: v for path, v in model.named_weights().items() if v.trainable}
        batch = unpack((x, y, sample_weight))
        with untouched(model):
            y_pred = model(batch.x, training=True)
            loss = model.compute_loss(batch.x, batch.y, y_pred, batch.sample_weight)
            found = grad(loss, list(named.values()), allow_unused=True)
        sizes = [absolute(g, v.shape) for g, v in zip(found, named.values(), strict=True)]
        self.title = f"Gradient flow through {clean(model.name, 60)}"
        self.names = [clean(path, 60) for path in named]
        self.means = np.array([mean for mean, _ in sizes])
        self.largest = np.array([largest for _, largest in sizes])

    def svg(self) -> str:
        said = [f"{mean:.3g}, at most {most:.3g}" for mean, most in zip(self.means, self.largest, strict=True)]
        entries = list(zip(self.names, logarithmic(self.means), said, strict=True))
        return bars(entries, f"{self.title}: mean size, logarithmic")

    def html(self) -> str:
        rows = list(zip(self.names, self.means.tolist(), self.largest.tolist(), strict=True))
        return figure(self.svg()) + table(rows, ("weight", "mean |gradient|", "largest"))

    def plot(self, ax: Any = None) -> Any:
        """Draw it into axes of matplotlib, by default new ones; returns them."""
        ax = axes(ax, self.title, "", "size of the gradient")
        places = np.arange(len(self.names))
        ax.bar(places, self.largest, color=BLUES[2], label="largest")
        ax.bar(places, self.means, color=ACCENT, label="mean")
        if (self.means > 0).any():
            ax.set_yscale("log")
        ax.xaxis.set_ticks(places.tolist(), labels=["-"] * len(places), rotation=90)
        name_ticks(ax.xaxis, self.names)
        ax.legend()
        return ax

    def __str__(self) -> str:
        rows = zip(self.names, self.means, self.largest, strict=True)
        return "\n".join([self.title, *(f"  {name}: mean {mean:.3g}, largest {most:.3g}" for name, mean, most in rows)])


# -- numbers ----------------------------------------------------------------------------------------------------------


def class_numbers(name: str, given: Any) -> np.ndarray:
    """(n,) class numbers; of (n, classes) the places of the largest."""
    array = np.asarray(given)
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(axis=1)
    array = array.reshape(-1) if array.ndim <= 2 else array
    whole = array.astype(np.int64) if array.dtype.kind in "biuf" and np.isfinite(array).all() else None
    if array.ndim != 1 or whole is None or (whole != array).any() or (whole < 0).any():
        raise ValueError(
            f"Confusion: {name} of shape {np.shape(given)}, {array.dtype}; expected whole class numbers from 0, (n,), "
            "or probabilities, (n, classes)"
        )
    return whole


def absolute(g: Any, shape: tuple[int, ...]) -> tuple[float, float]:
    """(mean, largest) of the absolute values of a gradient; the rows that a RowSparse has not got are zeros."""
    values = np.abs(g.merged().rows if isinstance(g, RowSparse) else np.zeros(1) if g is None else np.asarray(g))
    size = max(int(np.prod(shape, dtype=int)), 1)
    return float(values.sum(dtype=np.float64)) / size, float(values.max(initial=0.0))


def logarithmic(values: np.ndarray) -> list[float]:
    """Lengths of bars by orders of magnitude, of which the smallest number above zero has one."""
    good = values[(values > 0) & np.isfinite(values)]
    floor = np.log10(good.min()) - 1 if good.size else 0.0
    return [float(np.log10(v) - floor) if v > 0 and np.isfinite(v) else 0.0 for v in values]


# -- matplotlib -------------------------------------------------------------------------------------------------------


def axes(ax: Any, title: str, xlabel: str = "", ylabel: str = "") -> Any:
    """The axes to draw into, with a title and names; ImportError, with what to install, if there is no matplotlib."""
    if ax is None:
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("plot() draws with matplotlib: pip install matplotlib; svg() needs nothing") from error
        ax = Figure(layout="constrained").add_subplot()
    for words, put in ((title, ax.set_title), (xlabel, ax.set_xlabel), (ylabel, ax.set_ylabel)):
        as_data(put(""), words)
    return ax


def as_data(label: Any, words: str) -> None:
    """Give a text of matplotlib these words, and no formula in them."""
    label.set_parse_math(False)
    label.set_text(clean(words, 60))


def name_ticks(axis: Any, names: Sequence[str]) -> None:
    """Names at the ticks of an axis."""
    from matplotlib.ticker import FixedFormatter

    axis.set_major_formatter(FixedFormatter([clean(name, 30) for name in names]))
    for label in axis.get_ticklabels():
        label.set_parse_math(False)
