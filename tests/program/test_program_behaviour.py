"""What happens between steps, and when something goes wrong: right results, no stale program, nothing half-written."""

from __future__ import annotations

import copy
import gc
import pickle
import re
import threading
import warnings
import weakref

import numpy as np
import pytest

import minigrad as mg
from agreement import same_state, same_values, traced, twins
from minigrad import Input, Model, Sequential, errors, optimizers
from minigrad.core.tensor import Variable
from minigrad.errors import ShapeError
from minigrad.layers import Dense, Dropout, Embedding, Flatten, Lambda, Layer
from minigrad.models.programs import MANY, MOST
from minigrad.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(16, 4)).astype(np.float32)
Y = rng.normal(size=(16, 1)).astype(np.float32)


def net() -> Model:
    x = Input((4,))
    return Model(x, Dense(1, name="out")(Dropout(0.2)(Dense(6, activation="tanh", name="hidden")(x))))


def pair(build=net, **compiled):
    told = {"optimizer": lambda: "adam", "loss": lambda: "mse"} | compiled
    return twins(build, **told)


def step(models, x=X, y=Y, times=3):
    for _ in range(times):
        figures = [m.train_on_batch(x, y, return_dict=True) for m in models]
        same_values(*figures)
    same_state(*models)


# -- between steps -----------------------------------------------------------------------------------------------------


def test_trainable_can_be_toggled():
    models = pair()
    step(models)
    for flag in (False, True, False):
        for m in models:
            m.get_layer("hidden").trainable = flag
        before = models[0].get_layer("hidden").get_weights()
        step(models)
        after = models[0].get_layer("hidden").get_weights()
        assert all(map(np.array_equal, before, after)) is not flag
    assert len(models[0]._programs.made) == 2


def test_alternate_training_of_two_models_that_share_layers():
    def build():
        x = Input((4,))
        shared = Dense(4, name="shared")
        return Model(x, Dense(1)(shared(x)))

    one, other = pair(build), []
    for m in one:
        head = Model(m.input, Dense(2, name="head")(m.get_layer("shared").output))
        head.compile("sgd", "mse", run_eagerly=m.run_eagerly)
        other.append(head)
    other[1].get_layer("head").set_weights(other[0].get_layer("head").get_weights())
    for _ in range(3):
        step(one, times=1)
        step(other, X, X[:, :2], times=1)
    same_state(*one)
    same_state(*other)


def test_layers_added_and_taken_away():
    def build():
        return Sequential([Input((4,)), Dense(3, activation="relu"), Dense(1)])

    models = pair(build)
    step(models)
    for m in models:
        m.pop()
        set_random_seed(5)
        m.add(Dense(1))
        m.compile("sgd", "mse", run_eagerly=m.run_eagerly)
    step(models)


def test_weights_can_be_set_between_steps(tmp_path):
    models = pair()
    step(models)
    for m in models:
        m.set_weights([w * 0.5 for w in m.get_weights()])
    step(models)
    for m in models:
        m.get_layer("hidden").kernel.assign(np.ones((4, 6)))
    step(models)
    models[0].save_weights(tmp_path / "w.safetensors")
    step(models)
    for m in models:
        m.load_weights(tmp_path / "w.safetensors")
    step(models)


@pytest.mark.parametrize("other", ["sgd", "adam", "rmsprop"])
def test_the_optimizer_can_be_replaced(other):
    models = pair()
    step(models)
    for m in models:
        m.optimizer = optimizers.get(other)
    step(models)
    for m in models:
        m.compile(other, "mae", metrics=["mse"], run_eagerly=m.run_eagerly)
    step(models)


def test_the_optimizers_state_can_be_loaded():
    models = pair()
    step(models)
    states = [m.optimizer.state for m in models]
    step(models)
    for m, state in zip(models, states):
        m.optimizer.load_state(state)
    step(models)


def test_the_optimizers_numbers_can_be_changed():
    models = pair()
    for change in (
        {"learning_rate": 0.1}, {"weight_decay": 0.1}, {"weight_decay": 0.2}, {"clipvalue": 0.01}, {"beta_1": 0.5},
        {"clipvalue": None, "weight_decay": None},
    ):  # fmt: skip
        for m in models:
            for name, value in change.items():
                setattr(m.optimizer, name, value)
        step(models)
    for m in models:
        m.optimizer.weight_decay = 0.1
        m.optimizer.exclude_from_weight_decay(var_names=["bias"])
    step(models)


def test_a_new_rate_needs_no_new_program():
    model, _ = pair()
    for rate in (0.1, 0.01, 0.001):
        model.optimizer.learning_rate = rate
        model.train_on_batch(X, Y)
    assert len(model._programs.made) == 1


@pytest.mark.filterwarnings("ignore:.*input shapes")
def test_batches_of_other_sizes_and_dtypes():
    models = pair()
    for rows in (16, 3, 1, 16, 7):
        step(models, X[:rows], Y[:rows])
    for dtype in (np.float64, np.int32, np.float16):
        step(models, X.astype(dtype), Y.astype(dtype))
    step(models, X.tolist(), Y.tolist())
    step(models, np.asfortranarray(X.astype(np.float64)), Y[::-1])


def test_modes_take_turns():
    models = pair()
    for _ in range(3):
        step(models, times=1)
        same_values(*[m.test_on_batch(X, Y) for m in models])
        same_values(*[m.predict_on_batch(X) for m in models])
        same_values(*[m(X).numpy() for m in models])
    traced(models[0])


def test_a_view_of_a_weight_keeps_its_values():
    model, _ = pair()
    model.train_on_batch(X, Y)
    kernel = model.get_layer("hidden").kernel
    view, turned, values = kernel.data, kernel.T, kernel.numpy()
    model.train_on_batch(X, Y)
    assert np.array_equal(view, values)
    assert np.array_equal(turned.numpy(), values.T)
    assert not np.array_equal(kernel.numpy(), values)


def test_weights_are_written_in_place_where_nobody_looks():
    model, _ = pair()
    model.train_on_batch(X, Y)
    kernel = model.get_layer("hidden").kernel
    where = kernel._data.ctypes.data
    model.train_on_batch(X, Y)
    assert kernel._data.ctypes.data == where


def test_a_graph_from_before_a_step_is_stale():
    model, _ = pair()
    loss = (model(X) ** 2).sum()
    model.train_on_batch(X, Y)
    with pytest.raises(errors.GradientError, match="assigned after this graph was recorded"):
        loss.backward()


def test_outputs_are_the_callers_own():
    model, _ = pair()
    one = model.predict_on_batch(X)
    kept = one.copy()
    two = model.predict_on_batch(X + 1)
    assert not np.shares_memory(one, two)
    assert np.array_equal(one, kept)
    one[:] = 0
    assert np.array_equal(model.predict_on_batch(X + 1), two)


class Plain(Model):
    def __init__(self):
        super().__init__()
        self.dense = Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


@pytest.mark.parametrize(
    ("build", "copied"),
    [(net, copy.deepcopy), (Plain, copy.deepcopy), (Plain, lambda m: pickle.loads(pickle.dumps(m)))],  # noqa: S301 (our own)
)
def test_a_model_can_be_copied_after_training(build, copied):
    model, _ = pair(build)
    model.fit(X, Y, verbose=0)
    twin = copied(model)
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    before = model.get_weights()
    twin.fit(X, Y, verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))
    model.fit(X, Y, verbose=0)
    if build is Plain:  # without dropout's random numbers
        assert all(map(np.array_equal, twin.get_weights(), model.get_weights()))


def test_train_on_batch_inside_another_models_layer():
    """A trace does not leak into what runs beside it."""
    inner, _ = pair()

    def call(x):
        inner.train_on_batch(X, Y)
        return x * 2

    outer = Sequential([Input((4,)), Lambda(call), Dense(1)])
    outer.compile("sgd", "mse")
    outer.train_on_batch(X, Y)
    assert isinstance(inner(X), mg.Tensor)


# -- the cache ---------------------------------------------------------------------------------------------------------


def test_the_cache_is_bounded_and_says_once_that_shapes_change():
    x = Input((None, 4))
    model = Model(x, Dense(1)(x))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(1, MOST + 8):
            model.predict_on_batch(np.ones((2, n, 4), np.float32))
    assert len(model._programs.made) == MOST
    (warning,) = caught
    assert f"{MANY} input shapes" in str(warning.message)
    assert "(2, 1, 4)" in str(warning.message)
    assert warning.filename == __file__


def test_an_id_that_is_used_again_finds_no_old_program():
    """Weights and graphs come and go; each program holds those that it is kept under."""
    model = Sequential([Input((4,)), Dense(1)])
    model.compile("sgd", "mse")
    for k in range(30):
        model.pop()
        model.add(Dense(1, kernel_initializer="zeros", bias_initializer=mg.initializers.Constant(k)))
        assert (model.predict_on_batch(X) == k).all()
        gc.collect()
        model.train_on_batch(X, Y)
        assert not (model.predict_on_batch(X) == k).all()
    held = {id(p.origin[0]) for p in model._programs.made.values()}
    assert {key[1][0] for key in model._programs.made} == held


# -- what cannot be traced ---------------------------------------------------------------------------------------------


class Curious(Layer):
    def call(self, inputs):
        if isinstance(inputs, mg.Tensor) and float(inputs.sum()) > 1e9:
            return inputs
        return inputs * (2 if float(inputs.sum()) > 0 else 3)


class Looks(Model):
    def __init__(self, layer):
        super().__init__()
        self.dense, self.layer = Dense(1), layer

    def call(self, inputs):
        return self.dense(self.layer(inputs))


class Reaches(Layer):
    def call(self, inputs):
        return inputs * np.float32(inputs._data.max() > 0)


@pytest.mark.parametrize("layer", [Curious, Reaches])
def test_a_layer_that_looks_at_values_runs_eagerly_after_one_warning(layer):
    models = pair(lambda: Looks(layer(name="nosy")))
    for m in models:
        set_random_seed(3)
        m.train_on_batch(X, Y)  # the first step of a subclassed model is eager
    with pytest.warns(UserWarning, match=r"train step runs eagerly") as caught:
        step(models, times=1)
    message = str(caught[0].message)
    assert len(caught) == 1
    assert "nosy" in message
    assert __file__ in message
    step(models)
    assert not models[0]._programs.made
    assert models[0]._programs.eager == {"train"}


def test_a_train_step_of_ones_own_is_run():
    class Own(Model):
        def train_step(self, data):
            return {"loss": 7.0}

    x = Input((4,))
    model = Own(x, Dense(1)(x))
    model.compile("sgd", "mse")
    assert model.train_on_batch(X, Y) == 7.0
    with pytest.raises(ValueError, match="no program"):
        model.program("train")


# -- errors ------------------------------------------------------------------------------------------------------------


def table():
    x = Input((2,), dtype="int32", name="words")
    h = Flatten()(Embedding(5, 3, name="table")(x))
    return Model(x, Dense(3, activation="softmax", name="kind")(h))


IDS = np.arange(16).reshape(8, 2) % 5
KINDS = np.arange(8) % 3
BAD = {
    "id": (IDS + 3, KINDS),
    "negative id": (IDS - 1, KINDS),
    "half an id": (IDS + 0.5, KINDS),
    "label": (IDS, KINDS + 1),
    "label shape": (IDS, np.zeros((8, 2))),
    "rows": (IDS, KINDS[:7]),
    "shape": (IDS[:, :1], KINDS),
    "axes": (IDS[0], KINDS),
    "nan label": (IDS, np.full(8, np.nan)),
    "text": (IDS, np.array(["a"] * 8)),
    "no targets": (IDS, None),
    "two inputs": ([IDS, IDS], KINDS),
}


def same_error(program, eager):
    """Of inputs that do not fit a program's error speaks at once; the eager one says first which model was called."""
    assert program[0] is eager[0]
    assert re.sub(r"^layer model \(Model\), called on [^:]*: ", "", eager[1]) == re.sub(
        r"^layer model \(Model\), called on [^:]*: ", "", program[1]
    )


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("what", ["train_on_batch", "test_on_batch", "fit"])
@pytest.mark.parametrize("first", [False, True])
def test_errors_are_those_of_the_eager_step_and_change_nothing(bad, what, first):
    x, y = bad
    models = pair(table, loss=lambda: "sparse_categorical_crossentropy")
    told = []
    for m in models:
        if not first:
            m.train_on_batch(IDS, KINDS)
        before = [*m.get_weights(), *m.optimizer.state.values()]
        with pytest.raises(Exception) as caught:
            getattr(m, what)(x, y, **({"verbose": 0, "shuffle": False} if what == "fit" else {}))
        told.append((type(caught.value), str(caught.value)))
        after = [*m.get_weights(), *m.optimizer.state.values()]
        if not (first and what != "test_on_batch"):  # the first step makes the slots
            assert all(map(np.array_equal, before, after))
    same_error(*told)
    for m in models:
        m.reset_metrics()
    step(models, IDS, KINDS)


@pytest.mark.parametrize("bad", [(IDS + 3,), (IDS[:, :1],), (IDS + 0.5,)])
def test_errors_of_predict_are_those_of_the_eager_step(bad):
    told = []
    for m in pair(table, loss=lambda: "mse"):
        with pytest.raises(errors.MinigradError) as caught:
            m.predict(*bad, verbose=0)
        told.append((type(caught.value), str(caught.value)))
    same_error(*told)
    assert "table" in told[0][1] or "words" in told[0][1]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_changes_nothing():
    told = []
    for m in pair():
        m.train_on_batch(X, Y)
        before = [*m.get_weights(), *m.optimizer.state.values()]
        with pytest.raises(errors.NonFiniteError) as caught:
            m.train_on_batch(X * np.float32(np.inf), Y)
        told.append(str(caught.value))
        assert all(map(np.array_equal, before, [*m.get_weights(), *m.optimizer.state.values()]))
    assert told[0] == told[1]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_gradient_that_is_not_finite_changes_nothing():
    def build():
        x = Input((4,))
        return Model(x, Lambda(lambda h: np.sqrt(h * 0.0).sum(axis=1, keepdims=True), output_shape=(1,))(Dense(2)(x)))

    told = []
    for m in pair(build):
        before = m.get_weights()
        with pytest.raises(
            errors.NonFiniteError, match=r"the gradient of .*kernel.* while the loss is finite"
        ) as caught:
            m.train_on_batch(X, Y)
        told.append(str(caught.value))
        assert all(map(np.array_equal, before, m.get_weights()))
        assert m.optimizer.iterations == 0
    assert told[0] == told[1]


# -- memory and threads ------------------------------------------------------------------------------------------------


def test_steps_leave_no_garbage_and_no_objects():
    model, _ = pair()
    x, y = X, Y

    def work():
        model.train_on_batch(x, y)
        model.test_on_batch(x, y)
        model.predict_on_batch(x)

    for _ in range(5):
        work()
    gc.collect()
    gc.disable()
    try:
        work()
        before = len(gc.get_objects())
        for _ in range(20):
            work()
        assert len(gc.get_objects()) <= before
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_model_with_programs_is_freed_at_once():
    gc.collect()
    gc.disable()
    try:
        for build in (net, lambda: Sequential([Dense(2), Dense(1)]), table):
            model = build()
            model.compile("adam", "sparse_categorical_crossentropy" if build is table else "mse")
            x, y = (IDS, KINDS) if build is table else (X, Y)
            for _ in range(2):
                model.train_on_batch(x, y)
                model.test_on_batch(x, y)
                model.predict_on_batch(x)
            traced(model)
            programs = [weakref.ref(p.program) for p in model._programs.made.values()]
            gone = weakref.ref(model)
            del model
            assert gone() is None
            assert not any(p() for p in programs)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_threads_train_models_of_their_own_and_predict_with_one():
    models = [pair()[0] for _ in range(2)]
    for k, m in enumerate(models):
        m.optimizer.learning_rate = 0.01 * (k + 1)
    expected = []
    for k, (twin, _) in enumerate([pair(), pair()]):
        twin.optimizer.learning_rate = 0.01 * (k + 1)
        for _ in range(60):
            twin.train_on_batch(X, Y)
        expected.append(twin.get_weights())
    shared, _ = pair()
    inputs = [rng.normal(size=(64, 4)).astype(np.float32) for _ in range(4)]
    right = [shared.predict_on_batch(x) for x in inputs]
    wrong = []

    def train(m):
        for _ in range(60):
            m.train_on_batch(X, Y)

    def predict(k):
        wrong.extend(1 for _ in range(200) if not np.array_equal(shared.predict_on_batch(inputs[k]), right[k]))

    threads = [threading.Thread(target=train, args=(m,)) for m in models]
    threads += [threading.Thread(target=predict, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    for m, weights in zip(models, expected):
        assert all(map(np.array_equal, m.get_weights(), weights))


def test_a_program_can_be_called_by_hand():
    model, _ = pair()
    program = model.program("predict", batch_size=16)
    out = program(**dict.fromkeys(program.inputs, X))
    assert out["finite"] is True
    assert np.array_equal(out["output_0"], model.predict_on_batch(X))
    assert isinstance(Variable.revision, int)


def test_a_call_by_hand_that_is_wrong_says_how():
    model, _ = pair()
    program = model.program("predict", batch_size=len(X))
    (name,) = program.inputs
    with pytest.raises(errors.UnknownName, match=f"'x_inputt'.*{name}"):
        program(x_inputt=X)
    with pytest.raises(TypeError, match=f"needs a value for {name}"):
        program()
    with pytest.raises(ShapeError, match=rf"{name}: got \(3, 4\) float32, expected"):
        program(**{name: X[:3]})
    with pytest.raises(ShapeError, match="float64, expected"):
        program(**{name: X.astype(np.float64)})


@pytest.mark.parametrize("size", [0, -3, 2.5, "32", None])
def test_a_program_is_for_a_whole_number_of_rows(size):
    model, _ = pair()
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1, got"):
        model.program("predict", batch_size=size)


def test_programs_that_hold_a_weight_do_not_make_others_copy_it():
    model, _ = pair()
    for _ in range(2):
        model.train_on_batch(X, Y)
        model.train_on_batch(X[:5], Y[:5])
        model.predict_on_batch(X)
    places = [w._data.ctypes.data for w in model.weights]
    model.train_on_batch(X, Y)
    del model._programs.made[next(iter(model._programs.made))]
    model.train_on_batch(X[:5], Y[:5])
    assert places == [w._data.ctypes.data for w in model.weights]
    kernel = model.weights[0]
    view, before = kernel.T, kernel.numpy()
    model.train_on_batch(X[:5], Y[:5])
    assert np.array_equal(view.numpy(), before.T)
    assert not np.array_equal(kernel.numpy(), before)
