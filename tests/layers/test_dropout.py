"""Dropout: its distribution, its own stream of numbers, noise shapes, and when it does nothing."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.core.autodiff import grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.layers import Dropout, Input, Layer
from minigrad.ops.random import dropout_mask
from minigrad.random import Stream, set_seed

ONES = np.ones((200, 300), np.float32)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_share_is_dropped_and_the_mean_stays(rate, dtype):
    out = Dropout(rate, seed=1, dtype=dtype)(ONES, training=True)
    assert out.dtype == dtype
    out = out.numpy().astype(float)
    kept = out[out != 0]
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-3)
    spread = np.sqrt(rate / (1 - rate) / out.size)  # of the mean
    assert abs(out.mean() - 1) < 4 * spread
    assert (out == 0).mean() == pytest.approx(rate, abs=0.01)


def test_outside_training_nothing_happens():
    x = Tensor(ONES)
    assert Dropout(0.5)(x) is x
    assert Dropout(0.5)(x, training=False) is x
    assert Dropout(0)(x, training=True) is x


def test_rate_one_drops_everything():
    assert not Dropout(1.0)(ONES, training=True).numpy().any()


def test_the_same_seed_gives_the_same_masks_one_after_the_other():
    one, two = Dropout(0.5, seed=3), Dropout(0.5, seed=3)
    masks = [one(ONES, training=True).numpy() for _ in range(2)]
    assert np.array_equal(masks[0], two(ONES, training=True).numpy())
    assert np.array_equal(masks[1], two(ONES, training=True).numpy())
    assert not np.array_equal(*masks)


def test_without_a_seed_the_masks_follow_the_global_seed_and_differ_between_layers():
    def masks():
        set_seed(5)
        layers = Dropout(0.5), Dropout(0.5)
        return [layer(ONES, training=True).numpy() for layer in layers]

    first, again = masks(), masks()
    assert np.array_equal(first, again)
    assert not np.array_equal(*first)


def test_the_gradient_passes_through_the_same_mask():
    x = Tensor(ONES, requires_grad=True)
    out = Dropout(0.3, seed=1)(x, training=True)
    np.testing.assert_array_equal(grad(out.sum(), x), out.numpy())


@pytest.mark.parametrize("noise_shape", [(None, 1, 3), (4, 1, 3), [None, 1, None]])
def test_one_draw_for_a_whole_axis(noise_shape):
    out = Dropout(0.5, noise_shape=noise_shape, seed=1)(np.ones((4, 50, 3)), training=True).numpy()
    assert out.shape == (4, 50, 3)
    assert np.array_equal(out, np.broadcast_to(out[:, :1], out.shape))
    assert len(np.unique(out)) == 2


@pytest.mark.parametrize("noise_shape", [(4, 1), (4, 2, 3), (1, 1, 1, 1)])
def test_a_noise_shape_that_does_not_fit(noise_shape):
    layer = Dropout(0.5, noise_shape=noise_shape)
    for x in (np.ones((4, 50, 3)), Input(batch_shape=(4, 50, 3))):
        with pytest.raises(ShapeError, match=r"layer dropout .*noise_shape=.* does not fit the input.s shape \(4, 50"):
            layer(x, training=True)


@pytest.mark.parametrize("rate", [-0.1, 1.1, 50, True])
def test_the_rate_is_a_share(rate):
    with pytest.raises(ValueError, match="expected a number from 0 to 1"):
        Dropout(rate)


def test_a_layer_around_it_passes_training_on():
    class Block(Layer):
        def __init__(self):
            super().__init__()
            self.dropout = Dropout(0.5, seed=1)

        def call(self, inputs):
            return self.dropout(inputs)

    assert np.array_equal(Block()(ONES).numpy(), ONES)
    assert (Block()(ONES, training=True).numpy() == 0).any()


def test_on_symbols_training_is_drawn_when_it_is_asked_for():
    out = Dropout(0.5)(Input((3,)), training=True)
    assert out.shape == (None, 3)
    assert out.node.body[0].node.fn.name == "multiply"


def test_the_mask_fills_a_buffer_with_the_same_numbers():
    x = np.empty((5, 4), np.float32)
    buffer = np.empty_like(x)
    drawn = dropout_mask.kernel(x, rate=0.4, stream=Stream(1))
    assert dropout_mask.kernel(x, rate=0.4, stream=Stream(1), out=buffer) is buffer
    assert np.array_equal(drawn, buffer)
