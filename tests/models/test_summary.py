"""The summary, letter by letter; the expected texts are typed here, trailing spaces included."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Input, Model, Sequential, Variable
from minigrad.layers import Concatenate, Dense, Dropout, Embedding, Flatten, Layer

FOUNDING = """\
_________________________________________________________________
Layer (type)                 Output Shape              Param #   
=================================================================
input_1 (InputLayer)         (None, 1000)              0         
_________________________________________________________________
embedding_1 (Embedding)      (None, 1000, 3)           39        
=================================================================
Total params: 39
Trainable params: 39
Non-trainable params: 0
_________________________________________________________________
"""  # noqa: W291


def lines(model, **options):
    out = []
    assert model.summary(print_fn=out.append, **options) is None
    return out


def rows(model, **options):
    """The lines between the head and the totals, without the rules."""
    return [line.rstrip() for line in lines(model, **options)[3:-4] if line.strip("_=")]


def test_the_founding_documents_summary_twice_in_one_process(capsys):
    for _ in range(2):
        x = Input(shape=(1000,))
        y = Embedding(12 + 1, 3, input_length=1000)(x)
        model = Model(inputs=x, outputs=y)
        model.summary()
        assert capsys.readouterr().out == FOUNDING


def test_each_line_goes_to_print_fn(capsys):
    x = Input(shape=(1000,))
    assert lines(Model(x, Embedding(13, 3)(x))) == FOUNDING.splitlines()
    assert capsys.readouterr().out == ""


FOUR_COLUMNS = """\
__________________________________________________________________________________________________
Layer (type)                    Output Shape         Param #     Connected to                     
==================================================================================================
input_1 (InputLayer)            (None, 3)            0                                            
__________________________________________________________________________________________________
input_2 (InputLayer)            (None, 5)            0                                            
__________________________________________________________________________________________________
concatenate_1 (Concatenate)     (None, 8)            0           input_1[0][0]                    
                                                                 input_2[0][0]                    
__________________________________________________________________________________________________
dense_1 (Dense)                 (None, 1000)         9,000       concatenate_1[0][0]              
==================================================================================================
Total params: 9,000
Trainable params: 9,000
Non-trainable params: 0
__________________________________________________________________________________________________
"""  # noqa: W291


def test_four_columns_where_the_graph_is_not_a_line(capsys):
    a, b = Input((3,)), Input((5,))
    Model([a, b], Dense(1000)(Concatenate()([a, b]))).summary()
    assert capsys.readouterr().out == FOUR_COLUMNS.replace("9,000       con", "9000        con")


def test_long_texts_are_cut_to_their_column():
    x = Input((3,), name="an_input_with_a_very_long_name")
    assert rows(Model(x, x * 2))[0] == "an_input_with_a_very_long_na (None, 3)                 0"


def test_operators_and_functions_have_rows():
    x = Input((3,))
    model = Model(x, np.tanh(x * 2)[:, 0])
    assert [row.split() for row in rows(model)] == [
        ["input_1", "(InputLayer)", "(None,", "3)", "0"],
        ["multiply_1", "(Multiply)", "(None,", "3)", "0"],
        ["tanh_1", "(Tanh)", "(None,", "3)", "0"],
        ["get_item_1", "(GetItem)", "(None,)", "0"],
    ]


def test_variables_of_operators_count_in_their_row():
    x = Input((3,))
    model = Model(x, x @ Variable(np.ones((3, 2), np.float32)))
    assert rows(model)[1].split()[-1] == "6"
    assert lines(model)[-4] == "Total params: 6"


def test_a_shared_layer_lists_the_calls_it_was_called_on():
    a, b = Input((3,)), Input((3,))
    shared = Dense(2)
    model = Model([a, b], shared(shared(a) @ np.ones((2, 3), np.float32)) + shared(b))
    text = rows(model)
    at = next(i for i, row in enumerate(text) if row.startswith("dense_1"))
    assert [row.split()[-1] for row in text[at : at + 3]] == ["input_1[0][0]", "matmul_1[0][0]", "input_2[0][0]"]
    assert [row.split()[-1] for row in text[-2:]] == ["dense_1[1][0]", "dense_1[2][0]"]


def test_a_layer_of_several_shapes_says_multiple():
    a, b = Input((3, 2)), Input((7, 2))
    shared = Dense(4)
    assert "multiple" in rows(Model([a, b], [shared(a), shared(b)]))[2]


class Halves(Layer):
    def call(self, inputs):
        return [inputs[:, :2], inputs[:, 2:]]


def test_a_layer_with_several_outputs():
    x = Input((5,))
    first, second = Halves()(x)
    model = Model(x, Concatenate()([second, first]))
    text = lines(model, line_length=120)
    assert "[(None, 2), (None, 3)]" in text[5]
    assert text[7].rstrip().endswith("halves_1[0][1]")
    assert text[8].rstrip().endswith("halves_1[0][0]")


def inner_model():
    x = Input((4,))
    return Model(x, Dense(2)(Dropout(0.5)(Dense(3)(x))), name="inner")


def test_nested_models_open_with_expand_nested():
    x = Input((4,))
    model = Model(x, Dense(1)(inner_model()(x)))
    assert rows(model) == [
        "input_1 (InputLayer)         (None, 4)                 0",
        "inner (Model)                (None, 2)                 23",
        "dense_1 (Dense)              (None, 1)                 3",
    ]
    assert rows(model, expand_nested=True) == [
        "input_1 (InputLayer)         (None, 4)                 0",
        "inner (Model)                (None, 2)                 23",
        "| input_1 (InputLayer)       (None, 4)                 0",
        "| dense_1 (Dense)            (None, 3)                 15",
        "| dropout_1 (Dropout)        (None, 3)                 0",
        "| dense_2 (Dense)            (None, 2)                 8",
        "dense_1 (Dense)              (None, 1)                 3",
    ]


def test_show_trainable_adds_a_column():
    inner = inner_model()
    inner.layers[1].trainable = False
    text = lines(inner, show_trainable=True)
    assert len(text[0]) == 76
    assert text[1] == "Layer (type)                 Output Shape              Param #   Trainable  "
    assert text[5] == "dense_1 (Dense)              (None, 3)                 15        N          "
    assert text[7].rstrip()[-1] == "-"
    assert text[9].rstrip()[-1] == "Y"
    assert text[-4:-1] == ["Total params: 23", "Trainable params: 8", "Non-trainable params: 15"]
    a = Input((2,))
    assert lines(Model(a, a * a), show_trainable=True)[1].split()[-3:] == ["Connected", "to", "Trainable"]


def test_line_length_and_positions():
    model = inner_model()
    assert {len(line) for line in lines(model, line_length=90)[:-4]} == {90}
    assert lines(model, line_length=40, positions=[20, 30, 40])[1] == "Layer (type)        Output Sh Param #   "
    assert lines(model, line_length=40, positions=[0.5, 0.75, 1.0])[1] == "Layer (type)        Output Sh Param #   "
    with pytest.raises(ValueError, match=r"positions has 2 column ends, expected 3"):
        model.summary(positions=[0.5, 1.0])
    with pytest.raises(TypeError, match=r"Did you mean 'line_length'\?"):
        model.summary(linelength=40)


def test_a_sequential_lists_its_layers_and_not_its_input():
    model = Sequential([Input((4,)), Dense(3), Flatten()])
    assert rows(model) == [
        "dense_1 (Dense)              (None, 3)                 15",
        "flatten_1 (Flatten)          (None, 3)                 0",
    ]
    assert rows(Sequential([Embedding(13, 3, input_length=10)])) == [
        "embedding_1 (Embedding)      (None, 10, 3)             39"
    ]


def test_before_it_is_built_shapes_are_not_known():
    model = Sequential([Dense(3), Dense(2)])
    assert rows(model) == [
        "dense_1 (Dense)              ?                         unbuilt",
        "dense_2 (Dense)              ?                         unbuilt",
    ]
    model.build((None, 4))
    assert rows(model)[1] == "dense_2 (Dense)              (None, 2)                 8"


class Own(Model):
    def __init__(self):
        super().__init__()
        self.hidden = Dense(3)
        self.heads = [Dense(1), Dense(2)]

    def call(self, inputs):
        x = self.hidden(inputs)
        return [head(x) for head in self.heads]


def test_a_subclassed_model_lists_what_it_holds():
    model = Own()
    model(np.ones((1, 4)))
    assert [row.split() for row in rows(model)] == [
        ["hidden", "(Dense)", "?", "15"],
        ["heads/0", "(Dense)", "?", "4"],
        ["heads/1", "(Dense)", "?", "8"],
    ]
    assert lines(model)[-4] == "Total params: 27"


def test_a_model_without_layers():
    x = Input((3,))
    assert rows(Model(x, x)) == ["input_1 (InputLayer)         (None, 3)                 0"]
    assert lines(Sequential())[-4] == "Total params: 0"
