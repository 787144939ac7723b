"""What the tour leaves behind: pictures, and a page that holds them all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..saving.atomic import atomic_write
from ..visualize.charts import curves, scatter
from ..visualize.model import draw_model
from ..visualize.page import figure, page, paragraph, preformatted, table
from ..visualize.projection import pca

if TYPE_CHECKING:
    from .main import Outcome


def write_report(outcome: Outcome, folder: Path) -> list[Path]:
    """Write the pictures and index.html into the folder; their paths."""
    pictures = {
        "model.svg": draw_model(outcome.model),
        "months.svg": months(outcome),
        "training.svg": curves(
            {"training": outcome.history["loss"], "held-out days": outcome.history["val_loss"]},
            title="Mean squared error, in variances of the target",
        ),
    }
    pictures["gradient.svg"] = explained(outcome).svg()
    pictures["program.svg"] = outcome.model.plot("program", batch_size=len(outcome.batch[1])).svg()
    step = outcome.model.view(*outcome.batch).page()
    files = {**pictures, "step.html": step, "index.html": index(outcome, pictures)}
    paths = []
    for name, text in files.items():
        path = folder / name
        with atomic_write(path) as file:
            file.write(text.encode())
        paths.append(path)
    return paths


def months(outcome: Outcome) -> str:
    """The twelve learned rows of the month's table, laid into the plane, joined in the order of the year."""
    rows = outcome.model.get_layer("month_embedding").get_weights()[0]
    plane = pca(rows)
    share = plane.explained_variance_ratio
    return scatter(
        plane.coordinates,
        outcome.table.vocabulary["month"],
        title="The months, as the model learned them",
        xlabel=f"first principal axis ({share[0]:.0%})",
        ylabel=f"second principal axis ({share[1]:.0%})",
        ring=True,
    )


def explained(outcome: Outcome) -> Any:
    """How the gradient of the month's rows comes about, for a few rows of the data."""
    found = outcome.model.explain(*outcome.batch, layer="month_embedding")
    return found.labelled(outcome.table.vocabulary["month"])


def neighbours_in_order(rows: np.ndarray) -> int:
    """How many of the twelve months have a month next to them in the year as their nearest neighbour."""
    distance = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    nearest = distance.argmin(axis=1)
    steps = np.abs(nearest - np.arange(len(rows)))
    return int(np.sum((steps == 1) | (steps == len(rows) - 1)))


def index(outcome: Outcome, pictures: dict[str, str]) -> str:
    """The page."""
    data = outcome.table
    lines: list[str] = []
    outcome.model.summary(print_fn=lines.append)
    rows = outcome.model.get_layer("month_embedding").get_weights()[0]
    names = ", ".join(data.features)
    what = data.target_name.replace("_", " ")
    opening = (
        f"A model learned to predict {what} from {names} and the day of the month: {len(data):,} rows, of which whole "
        "days were held out. All it was told of a month is its number; what it made of the months is its own doing."
    )
    caption = (
        f"Each month is a row of a learnable matrix [{rows.shape[0]}, {rows.shape[1]}], here laid into the plane and "
        f"joined in the order of the year. {neighbours_in_order(pca(rows).coordinates)} of 12 have a neighbour in the "
        "year as their nearest neighbour in the picture."
    )
    scores = [["this model", f"{outcome.r2:.3f}"], [f"table of means over ({names})", f"{outcome.reference:.3f}"]]
    return page(
        "A tour of minigrad",
        [
            ("", paragraph(opening)),
            ("What it learned of the months", figure(pictures["months.svg"], caption)),
            (
                "How well",
                table(scores, ["on held-out days", "R²"])
                + figure(pictures["training.svg"], f"Trained in {outcome.seconds:.1f} seconds."),
            ),
            (
                "The model",
                figure(pictures["model.svg"], "Each box is a call; the shapes have None where the batch goes.")
                + preformatted("\n".join(lines)),
            ),
            (
                "One training step",
                paragraph(
                    f"How the months' rows learn: {len(outcome.batch[1])} rows of the data, the month that each of "
                    "them picked, and how much gradient it sent there."
                )
                + figure(pictures["gradient.svg"])
                + '<p><a href="step.html">Walk through a step</a>: layer by layer and op by op, forward and back, with '
                'values and gradients. Or see the <a href="program.svg">picture of the program</a> that runs; '
                "this is its text:</p>"
                + preformatted(str(outcome.model.program("train", batch_size=len(outcome.batch[1])))),
            ),
        ],
    )
