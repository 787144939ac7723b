"""Models with masks: a program's step is the eager step, to the bit; and both are what a formula says."""

from __future__ import annotations

import numpy as np
import pytest

from agreement import agree, kind, traced, twins  # noqa: F401 (the fixture)
from minigrad import Input, Model, Sequential, metrics
from minigrad.layers import (
    Activation,
    Dense,
    Dropout,
    Embedding,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
)

pytestmark = pytest.mark.usefixtures("kind")

rng = np.random.default_rng(0)
IDS = rng.integers(0, 6, (23, 5)) * (rng.random((23, 5)) < 0.7)
IDS[4] = 0
LABELS = rng.integers(0, 3, (23, 5))
Y = rng.normal(size=(23, 1)).astype(np.float32)
KEPT = IDS != 0


def tagger():
    """One class for each time step."""
    x = Input((5,), dtype="int32")
    h = Dropout(0.2)(Activation("tanh")(Embedding(6, 4, mask_zero=True)(x)))
    return Model(x, Dense(3, activation="softmax")(h))


@pytest.mark.parametrize("weights", [None, rng.uniform(0.5, 2, 23).astype(np.float32)])
def test_outputs_with_masks(weights):
    agree(
        tagger,
        IDS,
        LABELS,
        sample_weight=weights,
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=lambda: ["sparse_categorical_crossentropy"],
    )


@pytest.mark.parametrize("pool", [GlobalAveragePooling1D, GlobalMaxPooling1D])
@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_pooling_over_what_counts(pool, dtype):
    def build():
        x = Input((5,), dtype=dtype)
        return Model(x, Dense(1)(pool()(Dense(4, activation="tanh")(Embedding(6, 4, mask_zero=True)(x)))))

    agree(build, IDS, Y, optimizer="adam", loss="mse", metrics=["mae"])


def test_a_sequential_a_nested_and_a_subclassed_model():
    def stack():
        return Sequential([Embedding(6, 4, mask_zero=True, input_length=5), Dropout(0.3), GlobalAveragePooling1D()])

    def nested():
        x = Input((5,))
        return Model(x, Dense(1)(stack()(x)))

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.words, self.head = Embedding(6, 4, mask_zero=True), Dense(3, activation="softmax")

        def call(self, inputs):
            return self.head(self.words(inputs))

    agree(nested, IDS, Y, optimizer="adam", loss="mse")
    agree(Own, IDS, LABELS, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def test_several_outputs_of_which_one_has_a_mask():
    def build():
        x = Input((5,), dtype="int32")
        h = Embedding(6, 4, mask_zero=True)(x)
        return Model(x, [Dense(1)(GlobalAveragePooling1D()(h)), Dense(3, activation="softmax")(h)])

    losses = ["mse", "sparse_categorical_crossentropy"]
    agree(build, IDS, [Y, LABELS], optimizer="adam", loss=losses, metrics=[["mae"], ["accuracy"]])


def test_a_layer_of_ones_own_that_makes_a_mask():
    class Positive(Layer):
        supports_masking = True

        def call(self, inputs, mask=None):
            return inputs if mask is None else np.where(np.expand_dims(mask, -1), inputs, 0)

        def compute_mask(self, inputs, mask=None):
            own = np.any(inputs > 0, axis=-1)
            return own if mask is None else np.logical_and(own, mask)

    def build():
        x = Input((5,))
        return Model(x, Dense(1)(GlobalAveragePooling1D()(Positive()(Embedding(6, 4, mask_zero=True)(x)))))

    agree(build, IDS, Y, optimizer="sgd", loss="mse")


def test_figures_are_means_over_the_steps_that_count():
    """The loss of each batch over its kept steps; a metric over all kept steps."""
    for model in twins(
        tagger,
        optimizer="sgd",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", "sparse_categorical_crossentropy"],
    ):
        loss, accuracy, entropy = model.evaluate(IDS, LABELS, batch_size=23, verbose=0)
        p = model.predict(IDS, verbose=0)
        own = -np.log(np.take_along_axis(p, LABELS[:, :, None], -1))[:, :, 0]
        np.testing.assert_allclose([loss, entropy], own[KEPT].mean(), rtol=1e-5)
        np.testing.assert_allclose(accuracy, (p.argmax(-1) == LABELS)[KEPT].mean(), rtol=1e-6)
        assert model(IDS).mask.numpy().tolist() == KEPT.tolist()


def test_what_is_masked_does_not_train():
    """Targets at masked steps may be anything."""
    others = np.where(KEPT, LABELS, 2 - LABELS)
    one, other = (twins(tagger, optimizer="sgd", loss="sparse_categorical_crossentropy")[0] for _ in range(2))
    one.fit(IDS, LABELS, 6, 2, verbose=0)
    other.fit(IDS, others, 6, 2, verbose=0)
    traced(one, "train")
    for a, b in zip(one.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


METRICS = ["mae", "mse", "binary_accuracy", "AUC", "Precision", "Recall", "R2Score", "CosineSimilarity"]


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_kept_steps_alone(name):
    """What a metric says of outputs with a mask is what it says of the kept steps, one by one."""

    def build():
        x = Input((5,), dtype="int32")
        return Model(x, Dense(1, activation="sigmoid")(Embedding(6, 4, mask_zero=True)(x)))

    y = (rng.random((23, 5, 1)) < 0.5).astype(np.float32)
    alone = metrics.get(name)
    for model in twins(build, optimizer="sgd", loss="mse", metrics=lambda: [metrics.get(name)]):
        found = model.evaluate(IDS, y, batch_size=10, verbose=0)[1]
        alone.reset_state()
        alone.update_state(y[KEPT], model.predict(IDS, verbose=0)[KEPT])
        np.testing.assert_allclose(found, alone.result(), rtol=1e-5)


def test_compute_metrics_of_ones_own_sees_the_mask():
    seen = []

    class Own(Model):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            seen.append(y_pred.mask.numpy())
            return super().compute_metrics(x, y, y_pred, sample_weight)

    def build():
        x = Input((5,), dtype="int32")
        return Own(x, Dense(3)(Embedding(6, 4, mask_zero=True)(x)))

    for model in twins(build, optimizer="sgd", loss="mse"):
        model.evaluate(IDS, np.zeros((23, 5, 3)), batch_size=23, verbose=0)
    assert len(seen) == 2
    assert all(np.array_equal(mask, KEPT) for mask in seen)
