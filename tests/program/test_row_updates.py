"""Programs that write a few rows of a table: the table is the one that eager, and that dense steps make."""

from __future__ import annotations

import numpy as np
import pytest

from agreement import agree, kind, same_values, to_array, traced, twins  # noqa: F401 (the fixture)
from minigrad import Input, Model, ops, optimizers
from minigrad.core.rows import Table
from minigrad.core.rowsparse import RowSparse
from minigrad.errors import NonFiniteError
from minigrad.layers import Concatenate, Dense, Embedding, EmbeddingBag, Flatten, GlobalAveragePooling1D, Lambda
from minigrad.program.kernels import compile_lag

pytestmark = pytest.mark.usefixtures("kind")

ROWS = 700
MAKERS = {
    "sgd": lambda **o: optimizers.SGD(0.5, **o),
    "nesterov": lambda **o: optimizers.SGD(0.1, momentum=0.9, nesterov=True, **o),
    "adagrad": lambda **o: optimizers.Adagrad(0.1, **o),
    "rmsprop": lambda **o: optimizers.RMSprop(0.01, **o),
    "rmsprop with momentum": lambda **o: optimizers.RMSprop(0.01, momentum=0.5, **o),
    "adam": lambda **o: optimizers.Adam(0.05, **o),
    "adamw": lambda **o: optimizers.AdamW(0.05, weight_decay=0.1, **o),
    "lazyadam": lambda **o: optimizers.LazyAdam(0.05, **o),
}


def pooled() -> Model:
    ids = Input((4,), dtype="int32")
    return Model(ids, Dense(1)(GlobalAveragePooling1D()(Embedding(ROWS, 3)(ids))))


def used_twice() -> Model:
    """One table for two inputs, float ids, and a second table."""
    ids, others = Input((4,)), Input((2,))
    table, other = Embedding(ROWS, 3, name="shared"), Embedding(ROWS, 2, name="other")
    parts = [Flatten()(x) for x in (table(ids), table(others), other(others))]
    return Model([ids, others], Dense(1)(Concatenate()(parts)))


def data_for(model: Model, n: int = 23):
    rng = np.random.default_rng(0)
    x = [rng.integers(0, ROWS, (n, x.shape[1])) for x in model.inputs]
    for each in x:
        each[:, 0] = rng.integers(0, 3, n)  # some ids come often
    return x, rng.normal(size=(n, 1)).astype(np.float32)


def rows_written(model: Model) -> bool:
    """Whether the training step writes rows of tables alone."""
    made = [p.program for key, p in model._programs.made.items() if key[0] == "train"]
    return all(p._trace.row_updates for p in made)


@pytest.mark.parametrize("build", [pooled, used_twice])
@pytest.mark.parametrize("maker", MAKERS)
def test_programs_agree_with_eager_steps(maker, build):
    x, y = data_for(build())
    one, _ = agree(build, x, y, epochs=4, optimizer=MAKERS[maker], loss="mse", tolerance=3e-6)
    assert rows_written(one)


@pytest.mark.parametrize("option", [{"clipnorm": 0.1}, {"clipvalue": 0.01}, {"global_clipnorm": 0.1}], ids=str)
def test_clipping_sees_the_dense_gradient(option):
    x, y = data_for(used_twice())
    one, _ = agree(used_twice, x, y, optimizer=lambda: MAKERS["adam"](**option), loss="mse", tolerance=3e-6)
    dense, _ = twins(used_twice, optimizer=lambda: MAKERS["adam"](**option, rows="dense"), loss="mse")
    dense.fit(x, y, 5, 2, shuffle=False, verbose=0)
    again, _ = twins(used_twice, optimizer=lambda: MAKERS["adam"](**option), loss="mse")
    again.fit(x, y, 5, 2, shuffle=False, verbose=0)
    assert rows_written(one)
    assert rows_written(again)
    assert not rows_written(dense)
    same_values([to_array(w) for w in again.weights], [to_array(w) for w in dense.weights], 3e-6)


def test_rows_that_lag_behind_are_current_wherever_they_are_read():
    """Between steps: evaluate, predict, get_weights, a second training program, another optimizer."""

    def train(rows: str) -> list[np.ndarray]:
        (model, _), seen = twins(pooled, optimizer=lambda: MAKERS["adam"](rows=rows), loss="mse"), []
        x, y = data_for(model)
        model.fit(x, y, 5, 2, shuffle=False, verbose=0)
        seen += [model.predict(x, verbose=0), np.array(model.evaluate(x, y, verbose=0))]
        model.fit(x, y, 5, 1, shuffle=False, verbose=0)
        seen += model.get_weights()
        model.train_on_batch(*data_for(model, 200))  # so many places that all rows are moved at once
        model.fit(x, y, 5, 1, shuffle=False, verbose=0)
        seen += [model.predict(x, verbose=0), *map(to_array, model.optimizer.state.values())]
        model.compile(MAKERS["nesterov"](rows=rows), "mse", jit_compile=model.jit_compile)
        model.fit(x, y, 5, 2, shuffle=False, verbose=0)
        return [*seen, *model.get_weights()]

    for one, other in zip(train("exact"), train("dense"), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * max(1, np.abs(other).max()))


def test_a_table_that_is_read_whole_is_moved_whole():
    def build() -> Model:
        ids = Input((4,), dtype="int32")
        layer = Embedding(ROWS, 3)
        rows = GlobalAveragePooling1D()(layer(ids))
        return Model(ids, Lambda(lambda r: np.sum(r @ layer.embeddings.T, axis=-1, keepdims=True))(rows))

    x, y = data_for(build())
    one, _ = agree(build, x, y, optimizer=MAKERS["adam"], loss="mse", tolerance=3e-6)
    assert not rows_written(one)


def frozen() -> Model:
    model = pooled()
    model.layers[1].embeddings.frozen = np.arange(ROWS) % 2 == 0
    return model


def test_gradients_of_frozen_rows_do_not_count_in_a_norm():
    x, y = data_for(frozen())
    agree(frozen, x, y, optimizer=lambda: MAKERS["adam"](global_clipnorm=0.01), loss="mse", tolerance=3e-6)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_agree(mode):
    def build() -> Model:
        ids = Input((4,), dtype="int32")
        return Model(ids, Dense(1)(EmbeddingBag(ROWS, 3, mode=mode, mask_zero=True)(ids)))

    x, y = data_for(build())
    one, _ = agree(build, x, y, optimizer=MAKERS["adam"], loss="mse", tolerance=3e-6)
    assert rows_written(one) == (mode != "max")


def test_frozen_rows_do_not_move():
    build = frozen
    x, y = data_for(build())
    one, _ = agree(build, x, y, optimizer=MAKERS["adamw"], loss="mse", tolerance=3e-6)
    twin, _ = twins(build, optimizer=MAKERS["adamw"], loss="mse")
    assert rows_written(one)
    first, last = twin.get_weights()[0], one.get_weights()[0]
    np.testing.assert_array_equal(last[::2], first[::2])
    assert (last[1::2] != first[1::2]).any()


def test_a_step_that_is_not_finite_writes_no_row():
    model, _ = twins(pooled, optimizer=MAKERS["adam"], loss="mse")
    x, y = data_for(model)
    model.fit(x, y, 5, 1, verbose=0)
    before = model.get_weights()
    y[3] = 1e38  # whose square is not finite
    with pytest.raises(NonFiniteError, match="the loss became inf"), np.errstate(over="ignore"):
        model.fit(x, y, 23, 1, verbose=0)
    traced(model, "train")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_program_that_leaves_rows_behind_is_not_saved(tmp_path):
    model, _ = twins(pooled, optimizer=MAKERS["adam"], loss="mse")
    with pytest.raises(TypeError, match="rows='dense'"):
        model.program("train", 5).save(tmp_path / "step.py")


@pytest.mark.parametrize(("mode", "optimizer"), [("train", "adagrad"), ("predict", "adam")])
def test_other_programs_of_tables_are_saved(tmp_path, mode, optimizer):
    model, _ = twins(pooled, optimizer=MAKERS[optimizer], loss="mse")
    x, y = data_for(model, 5)
    model.fit(x, y, 5, 3, shuffle=False, verbose=0)
    model.program(mode, 5).save(tmp_path / "step.py")
    source = (tmp_path / "step.py").read_text()
    namespace = {"__name__": "step", "__file__": str(tmp_path / "step.py")}
    exec(compile(source, "step.py", "exec"), namespace)
    if mode == "predict":
        _, (output,) = namespace["step"](x[0].astype(np.int32))
        np.testing.assert_array_equal(output, model.predict(x, verbose=0))
    else:
        namespace["step"](x[0].astype(np.int32), y, np.float32(0.1))
        model.fit(x, y, 5, 1, shuffle=False, verbose=0)
        np.testing.assert_array_equal(namespace["embedding_1_embeddings"], model.get_weights()[0])


def test_the_loop_that_catches_up_does_what_numpy_does(kind):  # noqa: F811
    if kind == "plain":
        return  # nothing to compare
    for maker in MAKERS.values():
        tables = [Table(np.random.default_rng(1).normal(size=(ROWS, 5)).astype(np.float32)) for _ in range(2)]
        both = [maker(), maker()]
        rng = np.random.default_rng(0)
        for step in range(40):
            g = RowSparse(rng.integers(0, ROWS, 9), rng.normal(size=(9, 5)).astype(np.float32), (ROWS, 5))
            for optimizer, table in zip(both, tables):
                optimizer.apply([g], [table])
            if step == 5 and tables[0].lag is not None:
                compile_lag(tables[0])
            if step % 7 == 0:
                ids = rng.integers(0, ROWS, (3, 4))
                np.testing.assert_allclose(*(ops.gather(t, ids).numpy() for t in tables), atol=1e-6)
        np.testing.assert_allclose(tables[0].numpy(), tables[1].numpy(), atol=2e-6)
