"""Golden files: the same model gives the same DOT, Mermaid, text and SVG, letter by letter.

`python tests/visualize/test_pictures_golden.py` writes them anew; look at the SVG before you keep it.
"""

from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.layers import Dense, Embedding, Flatten, Input
from minigrad.models import Model
from minigrad.visualize.picture import picture_of

HERE = Path(__file__).parent


def model():
    x = Input((3,), name="month")
    y = Flatten()(Embedding(13, 3)(x))
    return Model(x, Dense(9, activation="tanh")(y) + y, name="small")


def tensor():
    x = mg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    return (np.exp(x) * x).mean()


PICTURES = {
    "layers": lambda: model().plot(),
    "ops": lambda: model().plot("ops", rankdir="LR"),
    "program": lambda: program(),
    "tensor": lambda: tensor().graph(),
}
FORMS = {
    "svg": lambda picture: picture.svg("builtin"),
    "dot": lambda picture: picture.source,
    "mmd": lambda picture: picture.mermaid(),
    "txt": str,
}


def program():
    plain = model()
    plain.compile("sgd", "mse", jit_compile=False)
    return picture_of(plain.plot("program", batch_size=2).drawing)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_as_they_were(name, form):
    found = FORMS[form](PICTURES[name]()).rstrip("\n") + "\n"
    assert found == (HERE / f"picture_{name}.{form}").read_text()


if __name__ == "__main__":
    for name, make in PICTURES.items():
        for form, write in FORMS.items():
            (HERE / f"picture_{name}.{form}").write_text(write(make()).rstrip("\n") + "\n")
