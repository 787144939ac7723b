"""Variables in flat arrays: whatever is done to them from outside, they are what they would be without."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from minigrad import Input, Model, optimizers
from minigrad.core.tensor import Variable
from minigrad.layers import Dense
from minigrad.optimizers.arena import Arena, arenas
from minigrad.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4)).astype(np.float32)
Y = rng.normal(size=(12, 1)).astype(np.float32)


def net() -> Model:
    x = Input((4,))
    return Model(x, Dense(1, name="out")(Dense(5, activation="tanh", name="hidden")(x)))


def pair(**options) -> list[Model]:
    """The same model as programs, whose weights lie in arenas, and eagerly."""
    models = []
    for run_eagerly in (False, True):
        set_random_seed(3)
        model = net()
        model.compile(optimizers.AdamW(0.01, **options), "mse", run_eagerly=run_eagerly)
        models.append(model)
    return models


def train(models: list[Model], steps: int = 3) -> None:
    for _ in range(steps):
        for model in models:
            model.train_on_batch(X, Y)
            model.train_on_batch(X[:5], Y[:5])
    same(models)


def same(models: list[Model]) -> None:
    one, other = (m.get_weights() for m in models)
    assert all(map(np.array_equal, one, other))
    one, other = (m.optimizer.state for m in models)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[k], other[k]) for k in one)


def test_weights_gradients_and_slots_lie_end_to_end():
    model, _ = pair()
    model.train_on_batch(X, Y)
    (arena,) = set(model.optimizer.tenant.values())
    assert all(w._data.base is arena._weights.base for w in model.trainable_weights)
    for slots in model.optimizer._slots.values():
        assert all(slot.base is arena.slots[name].base for name, slot in slots.items())
    assert arena._weights.ctypes.data % 64 == 0
    assert "gradients" in model.program("train", 12).source


def test_programs_of_all_batch_sizes_share_one_arena():
    model, _ = pair()
    places = set()
    for rows in (12, 5, 7, 12):
        model.train_on_batch(X[:rows], Y[:rows])
        places.add(model.optimizer.tenant[model.trainable_weights[0]].weights().ctypes.data)
    assert len(places) == 1


def test_a_weight_that_is_assigned_is_taken_in():
    models = pair()
    train(models)
    for model in models:
        model.set_weights([w * 0.5 for w in model.get_weights()])
        model.get_layer("out").kernel.assign(np.ones((5, 1)))
    train(models)


def test_what_is_seen_of_a_weight_keeps_its_values():
    models = pair()
    train(models)
    kernel = models[0].get_layer("hidden").kernel
    views = [kernel._data, kernel.T, kernel[1:], np.tanh(kernel), kernel._data.reshape(-1)]
    before = [np.array(v._data if hasattr(v, "_data") else v) for v in views]
    train(models)
    assert all(np.array_equal(b, v._data if hasattr(v, "_data") else v) for b, v in zip(before, views, strict=True))
    place = kernel._data.ctypes.data
    del views
    train(models)
    assert kernel._data.ctypes.data == place  # nobody looks any more, so nothing moves


def test_weights_that_are_frozen_for_a_while():
    models = pair()
    train(models)
    for trainable in (False, True, False, True):
        for name in ("hidden", "out"):
            for model in models:
                model.get_layer(name).trainable = trainable
                model.get_layer("out" if name == "hidden" else "hidden").trainable = True
            train(models, 2)


def test_eager_steps_in_between():
    models = pair()
    for run_eagerly in (False, True, False):
        models[0].run_eagerly = run_eagerly
        train(models, 2)


def test_another_optimizer_takes_over_and_gives_back():
    models = pair()
    kept = []
    for model in models:
        model.train_on_batch(X, Y)
        kept.append(model.optimizer)
        model.compile(optimizers.SGD(0.1, momentum=0.9), "mse", run_eagerly=model.run_eagerly)
    train(models)
    for model, optimizer in zip(models, kept, strict=True):
        model.compile(optimizer, "mse", run_eagerly=model.run_eagerly)
    train(models)


def test_two_models_that_share_a_layer():
    pairs = []
    for run_eagerly in (False, True):
        set_random_seed(3)
        x = Input((4,))
        h = Dense(5, activation="tanh")(x)
        both = [Model(x, Dense(1)(h)), Model(x, Dense(1, use_bias=False)(h))]
        for model in both:
            model.compile("adam", "mse", run_eagerly=run_eagerly)
        for _ in range(4):
            for model in both:
                model.train_on_batch(X, Y)
        pairs.append([w for model in both for w in model.get_weights()])
    assert all(map(np.array_equal, *pairs))


def test_a_state_that_is_loaded_goes_into_the_arena():
    models = pair()
    train(models)
    states = [m.optimizer.state for m in models]
    weights = models[0].get_weights()
    train(models)
    for model, state in zip(models, states, strict=True):
        model.optimizer.load_state(state)
        model.set_weights(weights)
    train(models)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])  # noqa: S301
def test_a_copy_of_an_optimizer_has_slots_of_its_own(copied):
    model, _ = pair()
    model.train_on_batch(X, Y)
    twin = copied(model.optimizer)
    before = {k: v.copy() for k, v in twin.state.items()}
    model.train_on_batch(X, Y)
    assert all(np.array_equal(before[k], v) for k, v in twin.state.items())
    assert not twin.tenant


def test_variables_that_decay_and_such_that_do_not_lie_apart():
    optimizer = optimizers.AdamW(0.01)
    kernel, bias = Variable(np.ones((2, 3), np.float32), name="kernel"), Variable(np.ones(3, np.float32), name="bias")
    wide = Variable(np.ones(3, np.float64), name="wide")
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    assert [a.variables for a in arenas(optimizer, [kernel, bias, wide])] == [[bias], [kernel], [wide]]


def test_an_update_that_is_not_elementwise_has_no_arena():
    class Normalized(optimizers.Optimizer):
        def update(self, w, g, *, learning_rate):
            return (w - learning_rate * g / np.sqrt(np.sum(g * g)),)

    class BySize(optimizers.Optimizer):
        def update(self, w, g, *, learning_rate):
            return (w - learning_rate * g / w.size,)

    class Plain(optimizers.Optimizer):
        def update(self, w, g, *, learning_rate):
            return (w - learning_rate * g,)

    class WithCounts(Plain):
        slot_names = ("counts",)

        def slot(self, name, variable):
            return np.zeros(variable.shape[:1], variable.dtype)

    class Centered(optimizers.Optimizer):  # of matrices alone, which a flat array would not show
        def update(self, w, g, *, learning_rate):
            g = g - np.mean(g, axis=0) if len(g.shape) == 2 else g
            return (w - learning_rate * g,)

    class Masked(optimizers.Optimizer):
        def update(self, w, g, *, learning_rate):
            return (w - learning_rate * g * np.array([1, 0, 1], np.float32),)

    class ByRow(optimizers.Optimizer):
        def update(self, w, g, *, learning_rate):
            return (w - learning_rate * g / g.shape[1],)

    v = Variable(np.ones((2, 3), np.float32))
    kinds = (Plain, Normalized, BySize, WithCounts, Centered, Masked, ByRow)
    assert [len(arenas(kind(0.1), [v])) for kind in kinds] == [1, 0, 0, 0, 0, 0, 0]


def test_parts_with_whole_vectors_of_elements_come_first():
    sizes = [3, 32, 1, 16, 64]
    variables = [Variable(np.full(n, n, np.float32)) for n in sizes]
    arena = Arena(optimizers.SGD(0.1), variables)
    assert [v.size for v in arena.variables] == [32, 16, 64, 3, 1]
    assert arena.weights().tolist() == [float(v.size) for v in arena.variables for _ in range(v.size)]
