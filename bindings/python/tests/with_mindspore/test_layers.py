"""RNN, LSTM, GRU beside MindSpore's own: outputs and the gradients of x, hx and every parameter.

MindSpore compiles each graph anew, which is most of the time, so graph mode has fewer cases."""

import mindspore as ms
import numpy as np
import pytest
from conftest import MODES, compare, difference, random
from mindspore import Tensor, nn

import rondo.mindspore as rnn

T, N, I, H = 6, 4, 3, 5
LENGTHS = [6, 0, 3, 1]
CELLS = {"RNN": {}, "RNN relu": {"nonlinearity": "relu"}, "GRU": {}, "LSTM": {}}


def pair(cell, *arguments, **options):
    name = cell.split()[0]
    options = {**CELLS[cell], **options}
    return getattr(rnn, name)(*arguments, **options), getattr(nn, name)(*arguments, **options)


def state(cell, layers, directions, n=N, dtype=np.float32):
    h = random(layers * directions, n, H, dtype=dtype)
    return (h, random(layers * directions, n, H, dtype=dtype)) if cell == "LSTM" else h


@pytest.mark.parametrize("bidirectional", [False, True], ids=["one-way", "two-way"])
@pytest.mark.parametrize(
    ("layers", "integer"), [(1, None), (1, np.int32), (2, np.int64), (3, None), (3, np.int32)], ids=str
)
@pytest.mark.parametrize("cell", CELLS)
def test_pynative(cell, layers, bidirectional, integer):
    ours, theirs = pair(cell, I, H, layers, bidirectional=bidirectional)
    lengths = None if integer is None else Tensor(np.array(LENGTHS, integer))
    compare(ours, theirs, random(T, N, I), state(cell, layers, 1 + bidirectional), lengths)


@pytest.mark.parametrize("integer", [None, np.int32], ids=["full", "int32"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one-way", "two-way"])
@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_graph(cell, bidirectional, integer):
    ms.set_context(mode=MODES["graph"])
    ours, theirs = pair(cell, I, H, 2, bidirectional=bidirectional)
    # In training the reserve goes through the graph, else backward computes forward again.
    ours.set_train(bidirectional)
    lengths = None if integer is None else Tensor(np.array(LENGTHS, integer))
    compare(ours, theirs, random(T, N, I), state(cell, 2, 1 + bidirectional), lengths)


def test_jit():
    ours, theirs = pair("GRU", I, H, 2, bidirectional=True)
    ms.load_param_into_net(ours, theirs.parameters_dict())
    x = random(T, N, I)

    def found(x):
        return ours(x)[0].sum()

    def expected(x):
        return theirs(x)[0].sum()

    assert difference(ms.grad(ms.jit(found))(x), ms.grad(expected)(x)) <= 1e-4


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_batch_first_without_bias_and_hx(cell, mode):
    ours, theirs = pair(cell, I, H, 2, has_bias=False, batch_first=True, bidirectional=True)
    compare(ours, theirs, random(N, T, I), None, Tensor(np.array(LENGTHS, np.int32)))


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("parameters", [ms.float16, ms.float32])
def test_float16(cell, parameters):
    # Storage has 11 bits: h is rounded at each of T steps in both, and MindSpore rounds every operation besides.
    ours, theirs = pair(cell, I, H, 2, dtype=parameters)
    # With lengths, because MindSpore 2.10's gradient of LSTM in float16 without them is wrong (off by 3 where its own
    # float32 gradient is 1); both agree with that of float32 to rounding.
    lengths = Tensor(np.array([T] * N, np.int32))
    arguments = random(T, N, I, dtype=np.float16), state(cell, 2, 1, dtype=np.float16), lengths
    compare(ours, theirs, *arguments, forward=T * 2**-10, backward=4 * T * 2**-10)


def test_float64_gradient_is_the_slope(mode):
    net = rnn.LSTM(I, H, 2, bidirectional=True, dtype=ms.float64)
    x, hx = random(T, N, I, dtype=np.float64), tuple(random(4, N, H, dtype=np.float64) for _ in range(2))
    lengths = Tensor(np.array(LENGTHS, np.int64))
    along, step = random(T, N, I, dtype=np.float64), 1e-6

    def value(x):
        output, (h, c) = net(x, hx, lengths)
        return output.sum() + (h * h).sum() + (c * c).sum()

    slope = (value(x + step * along) - value(x - step * along)) / (2 * step)
    assert np.isclose((ms.grad(value)(x) * along).sum().asnumpy(), slope.asnumpy(), rtol=1e-7)


def test_views_are_read_as_they_look():
    net = rnn.GRU(I, H)
    x = random(N, T, I)
    view = x.transpose(1, 0, 2)
    assert not view.is_contiguous()
    copy = Tensor(np.ascontiguousarray(x.asnumpy().transpose(1, 0, 2)))
    assert (net(view)[0].asnumpy() == net(copy)[0].asnumpy()).all()


def test_dropout(mode):
    net = rnn.GRU(I, 32, 3, dropout=0.5)
    x = random(T, N, I)

    class Twice(nn.Cell):
        def __init__(self):
            super().__init__()
            self.net = net

        def construct(self, x):
            return self.net(x)[0], self.net(x)[0]

    twice = Twice().set_train()
    ms.set_seed(3)
    first, second = (t.asnumpy() for t in twice(x))
    assert (first != second).any()
    ms.set_seed(3)
    assert (twice(x)[0].asnumpy() == first).all()
    net.set_train(False)
    plain = net(x)[0].asnumpy()
    assert (plain == net(x)[0].asnumpy()).all() and (plain != first).any()


def test_dropout_gradient_has_forwards_mask(mode):
    net = rnn.LSTM(I, H, 2, dropout=0.5, dtype=ms.float64).set_train()
    x, along, step = random(T, N, I, dtype=np.float64), random(T, N, I, dtype=np.float64), 1e-6

    def value(x):
        ms.set_seed(3)
        return net_sum(x)

    class Sum(nn.Cell):
        def __init__(self):
            super().__init__()
            self.net = net

        def construct(self, x):
            return self.net(x)[0].sum()

    net_sum = Sum().set_train()
    slope = (value(x + step * along).asnumpy() - value(x - step * along).asnumpy()) / (2 * step)
    ms.set_seed(3)
    assert np.isclose((ms.grad(net_sum)(x) * along).sum().asnumpy(), slope, rtol=1e-7)


def test_no_steps_and_no_rows():
    net = rnn.LSTM(I, H, 2)
    h, c = random(2, N, H), random(2, N, H)
    output, (hn, cn) = net(random(0, N, I), (h, c))
    assert output.shape == (0, N, H)
    assert (hn.asnumpy() == h.asnumpy()).all() and (cn.asnumpy() == c.asnumpy()).all()
    assert net(random(T, 0, I))[0].shape == (T, 0, H)


def test_frozen_parameters_and_constant_input():
    net, same = rnn.GRU(I, H), rnn.GRU(I, H)
    ms.load_param_into_net(same, net.parameters_dict())
    x = random(T, N, I)
    for parameter in same.w_hh_list:
        parameter.requires_grad = False

    def gradient(of):
        return ms.grad(lambda: of(x)[0].sum(), None, of.trainable_params())()

    assert len(gradient(same)) == 3
    kept = [g for g, p in zip(gradient(net), net.trainable_params()) if not p.name.startswith("weight_hh")]
    assert difference(gradient(same), kept) == 0
