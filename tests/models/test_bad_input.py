"""What bad input gets: an error in the user's terms, and nothing changed."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import Input, Model, Sequential
from minigrad.callbacks import Callback
from minigrad.errors import (
    DTypeError,
    GradientError,
    IdError,
    LabelError,
    NonFiniteError,
    ShapeError,
    UnknownName,
)
from minigrad.layers import Activation, Add, Dense, Embedding, Flatten, Lambda, Layer
from minigrad.optimizers import SGD
from minigrad.utils import set_random_seed

IDS = (np.arange(80).reshape(40, 2) % 10).astype(np.int64)
Y = np.arange(40) % 3


def classifier(dtype="int32", name="word"):
    """Ten ids, three classes; trained for an epoch, so that there is something that could be spoilt."""
    set_random_seed(1)
    x = Input((2,), dtype=dtype)
    h = Dense(4, activation="relu")(Flatten()(Embedding(10, 3, name=name)(x)))
    model = Model(x, Dense(3, activation="softmax", name="kind")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(IDS, Y, verbose=0)
    return model


def state(model):
    return (
        [w.tobytes() for w in model.get_weights()],
        model.optimizer.iterations,
        {name: slot.tobytes() for name, slot in model.optimizer.state.items()},
        dict(model.history.history),
    )


def refused(error, message, model, call):
    """The call raises that error, and nothing has changed."""
    before = state(model)
    with pytest.raises(error, match=message):
        call(model)
    assert state(model) == before


# -- ids ---------------------------------------------------------------------------------------------------------------


def with_id(value, row=37, dtype=np.int64):
    ids = IDS.astype(dtype)
    ids[row, 1] = value
    return ids


PLACE = r"\n  in batch 2( of epoch 1)?, row 5 of the batch, which is row 37 of the data"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (with_id(10), r"id 10 at \[5, 1\] is out of range: input_dim is 10, so ids go from 0 to 9; input_dim=11 would"),
        (with_id(-1), r"id -1 at \[5, 1\] is negative; ids go from 0 to 9"),
    ],
)
def test_ids_out_of_range_name_layer_value_place_and_remedy(ids, message):
    layer = r"layer word \(Embedding\), called on \(8, 2\): "
    refused(IdError, layer + message + ".*" + PLACE, classifier(), lambda m: m.predict(ids, verbose=0))
    refused(IdError, layer + message + ".*" + PLACE, classifier(), lambda m: m.evaluate(ids, Y, verbose=0))
    refused(IdError, layer + message, classifier(), lambda m: m.predict_on_batch(ids[32:]))
    refused(IdError, layer + message, classifier(), lambda m: m.train_on_batch(ids[32:], Y[32:]))
    refused(
        IdError, r"which is row 37 of the data", classifier(), lambda m: m.fit(with_id(10), Y, batch_size=40, verbose=0)
    )


@pytest.mark.parametrize("value", [np.nan, 3.5, 1e10, 12])
def test_fractional_missing_and_huge_ids(value):
    ids = with_id(value, dtype=np.float64)
    refused(IdError, r"layer word.* at \[5, 1\]" if value != 3.5 else r"id 3\.5 at \[5, 1\] is not a whole number",
            classifier("float32"), lambda m: m.predict(ids, verbose=0))  # fmt: skip
    if value != 12:
        refused((DTypeError, IdError), r"input_1 has dtype int32, which cannot hold", classifier(),
                lambda m: m.predict(ids, verbose=0))  # fmt: skip


def test_the_row_of_a_bad_id_is_found_although_the_rows_are_shuffled():
    for row in (0, 13, 39):
        refused(
            IdError,
            rf"in batch \d of epoch 1, row \d+ of the batch, which is row {row} of the data",
            classifier(),
            lambda m, row=row: Untouched(m).fit(with_id(77, row), Y, batch_size=40, verbose=0),
        )


class Untouched:
    """A model, for a test in which the first batch must fail."""

    def __init__(self, model):
        self.fit = model.fit


def test_a_stream_tells_batch_and_row_within_it():
    model = classifier()
    with pytest.raises(IdError, match=r"\n  in batch 2, row 5 of the batch$"):
        model.predict(iter([(with_id(0)[:32],), (with_id(10)[32:],)]), verbose=0)


# -- shapes ------------------------------------------------------------------------------------------------------------


def test_a_wrong_input_length():
    x = Input((7,))
    with pytest.raises(ShapeError, match=r"input_length=5, but axis 1 of the input has size 7: give the Input"):
        Embedding(10, 3, input_length=5)(x)
    refused(ShapeError, r"input_1 expects \(None, 2\), got \(32, 3\): axis 1 of input_1 must be 2, not 3",
            classifier(), lambda m: m.predict(np.zeros((40, 3), int), verbose=0))  # fmt: skip


def test_a_wrong_rank_or_width_at_the_input():
    model = classifier()
    refused(ShapeError, r"input_1 expects \(None, 2\), 2 axes with the batch first, but got \(32, 2, 1\), 3 axes",
            model, lambda m: m.fit(IDS[..., None], Y, verbose=0))  # fmt: skip
    refused(ShapeError, r"but got \(32,\), 1 axes", model, lambda m: m.fit(IDS[:, 0], Y, verbose=0))
    fixed = Input(batch_shape=(8, 2))
    with pytest.raises(ShapeError, match=r"expects \(8, 2\), got \(3, 2\): the batch size must be 8, not 3"):
        Model(fixed, fixed * 2).predict(np.ones((3, 2)), verbose=0)


def test_a_wrong_width_in_the_graph_shows_the_chain_of_layers():
    x = Input((5,), name="words")
    h = Embedding(10, 3, name="rows")(x)
    message = (
        r"layer out \(Dense\), called on \(None, 5, 3\): .*\n"
        r"  its input comes from words \(None, 5\) -> rows \(None, 5, 3\)"
    )
    out = Dense(2, name="out")
    out(Input((4,)))
    with pytest.raises(ShapeError, match=message):
        out(h)
    with pytest.raises(ShapeError, match=r"words \(None, 5\) -> rows \(None, 5, 3\) -> flat \(None, 15\)"):
        Add(name="sum")([Flatten(name="flat")(h), Input((4,))])


def test_an_open_axis_that_a_layer_needs_names_the_input():
    x = Input((None,), name="words")
    with pytest.raises(ShapeError, match=r"axis 1 of words is open: give that Input its size"):
        Dense(3)(x)


def test_a_width_that_only_data_shows():
    model = Sequential([Dense(3), Lambda(lambda t: t @ np.ones((4, 2), np.float32), name="mix")])
    with pytest.raises(ShapeError, match=r"layer mix \(Lambda\), called on \(None, 3\)"):
        model(np.ones((2, 5)))


def test_an_output_without_a_batch_axis_has_no_rows_to_predict():
    x = Input((2,))
    model = Model(x, (x * 2).sum())
    assert model.predict_on_batch(np.ones((3, 2))) == 12
    with pytest.raises(ShapeError, match="an output has no batch axis"):
        model.predict(np.ones((3, 2)), verbose=0)


def test_a_list_of_rows_is_no_list_of_inputs():
    x = Input((2,))
    model = Model(x, x * 2)
    with pytest.raises(
        ValueError, match=r"got 3 inputs, expected 1: input_1; a list of arrays is a list of inputs, np\."
    ):
        model.predict([np.ones(2), np.ones(2), np.ones(2)], verbose=0)


# -- targets -----------------------------------------------------------------------------------------------------------


def regression():
    x = Input((2,))
    model = Model(x, Dense(1, name="price")(x))
    model.compile("sgd", "mse")
    model.fit(IDS, np.ones(40), verbose=0)
    return model


@pytest.mark.parametrize("shape", [(40, 3), (40, 1, 1, 1), (40, 2)])
def test_targets_are_never_broadcast(shape):
    message = rf"the target of 'price': targets of shape \(.*{shape[-1]}\) for predictions of shape \(32, 1\)"
    for call in ("fit", "evaluate"):
        refused(ShapeError, message, regression(), lambda m, c=call: getattr(m, c)(IDS, np.ones(shape), verbose=0))
    refused(ShapeError, r"the target of 'price'", regression(), lambda m: m.train_on_batch(IDS, np.ones(shape)))


@pytest.mark.parametrize("label", [3, -1, 1.5, np.nan])
def test_labels_out_of_range(label):
    y = Y.astype(float if label != int(0 if label != label else label) else int)
    y[7] = label
    refused(LabelError, r"the target of 'kind': the label at \[7\] is .*\n  in batch 1, row 7 of the batch",
            classifier(), lambda m: m.evaluate(IDS, y, verbose=0))  # fmt: skip
    refused(LabelError, "row 7 of the data", classifier(), lambda m: m.fit(IDS, y, batch_size=40, verbose=0))


def test_targets_that_are_no_numbers():
    y = np.ones(40)
    y[3] = np.inf
    refused(NonFiniteError, r"the target of 'price': the target at \[3\] is inf.*\n.*row 3 of the data",
            regression(), lambda m: m.evaluate(IDS, y, verbose=0))  # fmt: skip


def test_targets_that_are_missing_or_for_another_output():
    model = regression()
    refused(ValueError, r"y is missing: the output 'price' has a loss, mean_squared_error", model,
            lambda m: m.fit(IDS, verbose=0))  # fmt: skip
    refused(UnknownName, r"Unknown output in y 'prize'\. Did you mean 'price'\?", model,
            lambda m: m.fit(IDS, {"prize": Y}, verbose=0))  # fmt: skip
    refused(ValueError, r"y has 2 arrays for 1 outputs: price", model, lambda m: m.fit(IDS, [Y, Y], verbose=0))


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adma"}, r"Unknown optimizer 'adma'\. Did you mean 'adam'\?"),
        ({"loss": "msee"}, r"Unknown loss 'msee'\. Did you mean 'mse'\?"),
        ({"metrics": ["acuracy"]}, r"Unknown metric 'acuracy'\. Did you mean '\w*accuracy'\?"),
        ({"weighted_metrics": ["maee"]}, r"Unknown metric 'maee'\. Did you mean 'mae'\?"),
        ({"loss": {"prize": "mse"}}, r"Unknown output in loss 'prize'\. Did you mean 'price'\?"),
        ({"metrics": {"prize": "mae"}}, r"Unknown output in metrics 'prize'\. Did you mean 'price'\?"),
        ({"loss": ["mse", "mse"]}, r"loss has 2 entries for 1 outputs: price"),
        ({"loss_weights": [1, 2]}, r"loss_weights has 2 entries for 1 outputs: price"),
        ({"run_eagerly": "no"}, r"run_eagerly='no'; expected True or False"),
    ],
)
def test_compile_refuses_what_is_misspelt_and_keeps_what_it_had(arguments, message):
    model = regression()
    refused(ValueError, message, model, lambda m: m.compile(**{"optimizer": "sgd", "loss": "mse", **arguments}))
    model.fit(IDS, np.ones(40), verbose=0)


@pytest.mark.parametrize(
    ("method", "argument", "meant"),
    [
        ("compile", "optimiser", "optimizer"),
        ("fit", "epoch", "epochs"),
        ("fit", "callback", "callbacks"),
        ("evaluate", "batchsize", "batch_size"),
        ("predict", "verbos", "verbose"),
        ("train_on_batch", "class_weights", "class_weight"),
        ("summary", "print_function", "print_fn"),
    ],
)
def test_misspelt_arguments(method, argument, meant):
    message = rf"Unknown argument of {method}\(\) '{argument}'\. Did you mean '{meant}'\?"
    refused(TypeError, message, regression(), lambda m: getattr(m, method)(**{argument: 1}))


def test_other_misspelt_names():
    with pytest.raises(UnknownName, match=r"Did you mean 'relu'\?"):
        Dense(3, activation="rellu")
    with pytest.raises(TypeError, match=r"'activatoin'\. Did you mean 'activation'\?"):
        Dense(3, activatoin="relu")
    with pytest.raises((TypeError, UnknownName), match=r"Did you mean 'learning_rate'\?"):
        mg.optimizers.Adam(learning_rat=0.1)


def test_a_misspelt_name_is_an_error_before_a_subclassed_model_has_seen_data():
    class Own(Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(UnknownName, match=r"Did you mean 'mse'\?"):
        Own().compile("sgd", "msee")


# -- data --------------------------------------------------------------------------------------------------------------


def test_inputs_of_different_lengths_are_all_told():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = Model([a, b], a + b)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"x\[0\] has 5, x\[1\] has 4, y has 5"):
        model.fit([np.ones((5, 2)), np.ones((4, 2))], np.ones((5, 2)), verbose=0)
    with pytest.raises(ValueError, match=r"x\['a'\] has 5, x\['b'\] has 4"):
        model.predict({"a": np.ones((5, 2)), "b": np.ones((4, 2))}, verbose=0)
    with pytest.raises(ValueError, match=r"x has 40, y has 40, sample_weight has 39"):
        regression().fit(IDS, np.ones(40), sample_weight=np.ones(39), verbose=0)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "x is missing"),
        (np.zeros((0, 2)), "the data has no rows|x has 0, y has 40"),
        ([], "the data has no rows|x has 0, y has 40"),
        (
            np.array(["a", "b"]),
            r"input_1: cannot compute with dtype <U1 .*Turn words and categories into integer ids|x has 2",
        ),
        ("words", "cannot compute with dtype <U5"),
        ([[1, 2], [3]], "x: the list does not make one array"),
        (np.array([None, 1]), "cannot compute with dtype object"),
        (3.0, r"x: got the single value 3\.0; expected an array with the batch as its first axis"),
        ({"input_1": [["a"]]}, r"input_1: cannot compute|x\['input_1'\] has 1"),
    ],
)
def test_what_is_no_data(x, message):
    model = regression()
    refused((TypeError, ValueError), message, model, lambda m: m.predict(x, verbose=0))
    refused((TypeError, ValueError), message, model, lambda m: m.fit(x, np.ones(40), verbose=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number from 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number from 1, got 2.5"),
        ({"epochs": -1}, "epochs must be a whole number from 0, got -1"),
        ({"epochs": "three"}, "epochs must be a whole number from 0, got 'three'"),
        ({"initial_epoch": 1.5}, "initial_epoch must be a whole number"),
        ({"validation_freq": 0}, "validation_freq must be a whole number from 1"),
        ({"steps_per_epoch": -2}, "the number of steps must be a whole number from 1, got -2"),
        ({"validation_data": (1, 2, 3, 4)}, "validation_data must be .* got 4 parts"),
        ({"verbose": 3}, "verbose is 0"),
        ({"shuffle": "batch"}, "shuffle must be True or False, got 'batch'"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    refused(ValueError, message, regression(), lambda m: m.fit(IDS, np.ones(40), **{"verbose": 0, **arguments}))


def test_before_compile():
    x = Input((2,))
    model = Model(x, x * 2)
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(RuntimeError, match=r"model: call compile\(optimizer=\.\.\., loss=\.\.\.\) first"):
            call(np.ones((3, 2)), np.ones((3, 2)))


def test_nothing_to_minimise_and_nothing_to_train():
    x = Input((2,))
    model = Model(x, Dense(1)(x))
    model.compile("sgd")
    with pytest.raises(ValueError, match="there is nothing to minimise: compile"):
        model.fit(np.ones((3, 2)), np.ones((3, 1)), verbose=0)
    model.compile("sgd", "mse")
    model.trainable = False
    with pytest.raises(ValueError, match="there is nothing to train: no weight is trainable"):
        model.fit(np.ones((3, 2)), np.ones((3, 1)), verbose=0)


def test_a_loss_that_is_no_single_number():
    model = regression()
    model.compile("sgd", mg.losses.MeanSquaredError(reduction="none"))
    with pytest.raises(
        ShapeError, match=r"gave an array of shape \(32,\), but training needs a single number; its red"
    ):
        model.fit(IDS, np.ones(40), verbose=0)

    class Wrong(Layer):
        def call(self, inputs):
            self.add_loss(inputs)
            return inputs

    x = Input((2,))
    model = Model(x, Dense(1)(Wrong()(x)))
    model.compile("sgd", "mse")
    with pytest.raises(ShapeError, match=r"a penalty has shape \(32, 2\); add_loss takes a single number"):
        model.fit(IDS, np.ones(40), verbose=0)


# -- gradients ---------------------------------------------------------------------------------------------------------


def test_integers_have_no_gradient_and_a_graph_is_used_once():
    with pytest.raises(DTypeError, match="integers have no derivative"):
        mg.Tensor([1, 2], requires_grad=True)
    model = regression()
    loss = model(IDS.astype(np.float32)).sum()
    loss.backward()
    with pytest.raises(GradientError, match="retain_graph=True, or run the forward pass again"):
        loss.backward()
    with pytest.raises(GradientError, match="integers have no derivative"):
        mg.grad(loss, mg.Tensor([1]))


# -- losses that stop being finite -------------------------------------------------------------------------------------


def exploding(steps_until=None):
    """y = exp(w x): the third batch is too much for it."""
    set_random_seed(1)
    x = Input((1,))
    h = Dense(1, kernel_initializer="ones", name="slope")(x)
    model = Model(x, Dense(1, name="out")(Activation("exponential", name="blow_up")(h)))
    model.compile("adam", "mse")
    return model


BLAST = np.array([[0.0], [0.1], [0.2], [0.3], [0.1], [1e4]])


def test_a_loss_that_is_not_finite_names_batch_row_and_first_layer():
    model, before = exploding(), exploding()
    message = (
        r"model: the loss became (inf|nan); the first layer with such a value is blow_up: inf at \[1, 0\] of "
        r"its output\. The weights are those of the last finite step\. .*\n  in batch 3 of epoch 1, row 1 of the "
        r"batch, which is row 5 of the data"
    )
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=message):
        model.fit(BLAST, np.zeros(6), batch_size=2, shuffle=False, verbose=0)
    before.fit(BLAST[:4], np.zeros(4), batch_size=2, shuffle=False, verbose=0)
    assert model.optimizer.iterations == 2
    assert state_of_weights(model) == state_of_weights(before)
    assert model.history is None


def state_of_weights(model):
    return [w.tobytes() for w in model.get_weights()], {k: v.tobytes() for k, v in model.optimizer.state.items()}


def test_epochs_that_were_finished_stay_in_the_history():
    model = exploding()

    class Spoil(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights([w * np.nan for w in self.model.get_weights()])

    with pytest.raises(NonFiniteError, match=r"the weight slope/kernel has nan at \[0, 0\] since the step before"):
        model.fit(BLAST[:4], np.zeros(4), epochs=5, callbacks=[Spoil()], verbose=0)
    assert model.history.epoch == [0, 1]


def test_the_first_bad_layer_is_found_inside_models():
    x = Input((1,))
    inner = Model(x, np.log(Dense(1, name="linear", kernel_initializer="ones")(x)), name="inner")
    y = Input((1,))
    model = Model(y, Dense(1)(inner(y)))
    model.compile("sgd", "mse")
    message = r"the first layer with such a value is inner/log_1: nan at \[0, 0\] of its output"
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=message):
        model.train_on_batch(-np.ones((1, 1)), np.ones((1, 1)))


def test_nan_in_the_data_is_told_of_the_input():
    x = np.ones((40, 2))
    x[11, 1] = np.nan
    message = r"the first layer with such a value is input_1: nan at (.*\n)*.*which is row 11 of the data"
    refused(NonFiniteError, message, regression(), lambda m: m.fit(x, np.ones(40), batch_size=40, verbose=0))


def test_a_loss_of_a_subclassed_model():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.out = Dense(1)

        def call(self, inputs):
            return self.out(np.log(inputs))

    model = Own()
    model.compile("sgd", "mse")
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteError, match=r"own: the loss became .*detect_anomaly\(\) finds"),
    ):
        model.fit(np.zeros((2, 1)), np.ones((2, 1)), verbose=0)


def test_a_loss_at_fault_by_itself():
    def bad(y_true, y_pred):
        return (y_pred[:, 0] - y_true[:, 0]) / 0.0

    model = regression()
    model.compile("sgd", bad)
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match="it is the loss itself, for these targets"):
        model.fit(IDS, np.ones(40), verbose=0)


def test_a_gradient_that_is_not_finite_while_the_loss_is():
    x = Input((2,))
    model = Model(x, np.sqrt(Dense(1, name="root", kernel_initializer="zeros")(x)))
    model.compile("adam", "mse")
    model.fit(IDS, np.zeros(40), epochs=0, verbose=0)
    model.optimizer.build(model.trainable_weights)
    before = state_of_weights(model)
    message = (
        r"model: the gradient of root/kernel \(2, 1\) has (nan|-?inf) at \[0, 0\], while the loss is finite \(1\)\. "
        r"The step was not applied.*\n  in batch 1 of epoch 1"
    )
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match=message):
        model.fit(IDS, np.ones(40), verbose=0)
    assert state_of_weights(model) == before
    assert model.optimizer.iterations == 0


def test_clipping_is_no_cure_for_what_is_not_finite():
    x = Input((2,))
    model = Model(x, np.sqrt(Dense(1, kernel_initializer="zeros")(x)))
    model.compile(SGD(0.1, clipnorm=1.0), "mse")
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError, match="The step was not applied"):
        model.train_on_batch(IDS, np.ones(40))
