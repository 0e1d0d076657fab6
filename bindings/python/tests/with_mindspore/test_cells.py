"""RNNCell, LSTMCell, GRUCell beside MindSpore's own: outputs and the gradients of x, hx and every parameter.

One step and a loop of steps, whose gradient passes through each cell's own."""

import mindspore as ms
import numpy as np
import pytest
from conftest import compare, difference, random
from mindspore import nn

import rondo.mindspore as rnn

CELLS = {"RNNCell": {}, "RNNCell relu": {"nonlinearity": "relu"}, "GRUCell": {}, "LSTMCell": {}}


def pair(cell, *arguments, **options):
    name = cell.split()[0]
    options = {**CELLS[cell], **options}
    return getattr(rnn, name)(*arguments, **options), getattr(nn, name)(*arguments, **options)


def state(cell, *shape, dtype=np.float32):
    h = random(*shape, dtype=dtype)
    return (h, random(*shape, dtype=dtype)) if cell == "LSTMCell" else h


@pytest.mark.parametrize("has_bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("cell", CELLS)
def test_step(cell, has_bias, mode):
    ours, theirs = pair(cell, 3, 5, has_bias)
    compare(ours, theirs, random(4, 3), state(cell, 4, 5))


@pytest.mark.parametrize("cell", CELLS)
def test_float16(cell):
    ours, theirs = pair(cell, 3, 5, dtype=ms.float16)
    arguments = random(4, 3, dtype=np.float16), state(cell, 4, 5, dtype=np.float16)
    # One step: a few roundings of 11 bits each, in MindSpore after every operation.
    compare(ours, theirs, *arguments, forward=2**-9, backward=2**-7)


@pytest.mark.parametrize("cell", CELLS)
def test_loop_of_steps(cell):
    ours, theirs = pair(cell, 3, 5)
    ms.load_param_into_net(ours, theirs.parameters_dict())
    x, hx = random(6, 4, 3), state(cell, 4, 5)

    def last(module):
        def value(x, hx):
            for step in range(6):
                hx = module(x[step], hx)
            h = hx[0] if isinstance(hx, tuple) else hx
            return (h * h).sum()

        return ms.grad(value, (0, 1), module.trainable_params())(x, hx)

    assert difference(last(ours), last(theirs)) <= 1e-4
