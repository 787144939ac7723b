"""`Model.view`: one training step of a model, tried on copies, and the page that walks through it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.mode import no_grad, record
from ..core.tensor import Variable
from ..models.data import unpack
from ..models.programs import Mode
from ..models.steps import Steps
from ..models.untouched import untouched
from .record_tape import Tape
from .view import View

if TYPE_CHECKING:
    from ..models.model import Model


def view_model(model: Model, x: Any, y: Any = None, sample_weight: Any = None) -> View:
    """See `Model.view`."""
    if type(model).train_step is not Steps.train_step:
        raise ValueError(
            f"view: {model.name} has a train_step of its own; record it as it runs, `with minigrad.record() as tape:`, "
            'and call tape.save("step.html")'
        )
    tape = tried_step(model, x, y, sample_weight)
    return View(tape, f"{model.name}, one step", program_text(model, x), outside="loss")


def tried_step(model: Model, x: Any, y: Any, sample_weight: Any) -> Tape:
    """The tape of a step that changes nothing: forward, and backward and update if there is a loss."""
    batch = unpack((x, y, sample_weight))
    own_loss = type(model).compute_loss is not Steps.compute_loss
    told = model._told is not None and (y is not None or own_loss)
    with untouched(model), record() as tape:
        y_pred = model(batch.x, training=told)
        if told or own_loss:
            loss = model.compute_loss(batch.x, batch.y, y_pred, batch.sample_weight)
            weights = model.weights_to_train()
            gradients = model._gradients(loss, weights)
            if model.optimizer is not None:
                tried_update(model, weights, gradients)
    return tape


def tried_update(model: Model, weights: list[Variable], gradients: list[Any]) -> None:
    """What the optimizer would do, to stand-ins for the weights and with copies of its slots."""
    paths = {id(v): f"{model.name}/{path}" for path, v in model.named_weights().items()}
    twin = copy(model.optimizer)
    with no_grad():
        stand = {w: Variable(w.numpy(), True, None, paths[id(w)], None, w.constraint) for w in weights}
    slots = {w: model.optimizer.slots(w) if w in model.optimizer._slots else None for w in weights}
    twin._slots = {stand[w]: {k: np.array(s) for k, s in own.items()} for w, own in slots.items() if own is not None}
    twin.tenant, twin._lags, twin._told = {}, {}, set()
    spared, names = twin._undecayed
    twin._undecayed = ({stand.get(w, w) for w in spared}, names)
    twin.apply(gradients, list(stand.values()))


def program_text(model: Model, x: Any) -> str:
    """The text of the program for such a batch; '' if the model's steps are none."""
    rows = len(next(iter(x.values())) if isinstance(x, dict) else x[0] if isinstance(x, (list, tuple)) else x)
    mode: Mode = "train" if model._told is not None else "predict"
    if model.graph is None or model.runs_eagerly(mode):
        return ""
    try:
        return model.program(mode, batch_size=rows).source
    except ValueError:  # which says that there is none
        return ""
