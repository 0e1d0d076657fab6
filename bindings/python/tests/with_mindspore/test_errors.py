"""Bad input: the usual exception types, and texts that name the argument, the value and what was expected.

In a graph an argument is looked at when the graph is compiled, but lengths' values each time it runs."""

import mindspore as ms
import numpy as np
import pytest
from conftest import random
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn

import rondo
import rondo.mindspore as rnn

T, N, I, H = 5, 3, 3, 4


def x(*shape, dtype=np.float32):
    return random(*(shape or (T, N, I)), dtype=dtype)


LENGTHS = [
    ([1, 6, 3], r"lengths\w*\[1\] is 6, but T is 5"),
    ([1, 2, 2**31 - 1], r"lengths\w*\[2\] is 2147483647, but T is 5"),
    ([-1, 2, 3], r"lengths\w*\[0\] is -1, expected 0 to T, which is 5"),
]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("integer", [np.int32, np.int64])
@pytest.mark.parametrize(("lengths", "text"), LENGTHS)
@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_lengths_out_of_range(cell, lengths, text, integer, bidirectional):
    net = getattr(rnn, cell)(I, H, bidirectional=bidirectional)
    with pytest.raises(ValueError, match=text) as raised:
        net(x(), None, Tensor(np.array(lengths, integer)))
    assert isinstance(raised.value, rondo.RondoError)
    with pytest.raises(ValueError, match=text):
        ms.grad(lambda x: net(x, None, Tensor(np.array(lengths, integer)))[0].sum())(x())


@pytest.mark.parametrize("training", [False, True])
def test_lengths_out_of_range_in_a_graph(training):
    ms.set_context(mode=ms.GRAPH_MODE)
    for lengths, text in LENGTHS:
        # A graph that failed is refused from then on: each case has one of its own.
        net = rnn.LSTM(I, H).set_train(training)
        with pytest.raises(ValueError, match=text):
            net(x(), None, Tensor(np.array(lengths, np.int32)))[0].asnumpy()


CALLS = [
    ("GRU", lambda net: net(x().asnumpy()), TypeError, "GRU: x is no Tensor"),
    ("GRU", lambda net: net(x(T, I)), ValueError, r"GRU: x has the shape \(5, 3\), expected \(T, N, 3\)"),
    ("GRU", lambda net: net(x(T, N, 7)), ValueError, r"GRU: x has the shape \(5, 3, 7\), expected \(T, N, 3\)"),
    ("GRU", lambda net: net(Tensor(np.ones((T, N, I), np.int32))), TypeError, "x has the type int32, expected one"),
    ("GRU", lambda net: net(x().astype(ms.bfloat16)), TypeError, "x has the type bfloat16, expected one"),
    ("GRU", lambda net: net(x(), x(2, N, H)), ValueError, r"hx has the shape \(2, 3, 4\), expected \(1, 3, 4\)"),
    ("GRU", lambda net: net(x(), x(1, N, H, dtype=np.float16)), TypeError, "hx has the type float16, expected float32"),
    ("GRU", lambda net: net(x(), (x(1, N, H),)), TypeError, "GRU: hx is no Tensor"),
    ("LSTM", lambda net: net(x(), x(1, N, H)), TypeError, "LSTM: hx is no tuple"),
    ("LSTM", lambda net: net(x(), (x(1, N, H),) * 3), TypeError, "LSTM: hx is a tuple of another length than 2"),
    ("LSTM", lambda net: net(x(), (x(1, N, H), x(1, N, 5))), ValueError, r"hx\[1\] has the shape \(1, 3, 5\)"),
    ("RNN", lambda net: net(x(), None, [1, 2, 3]), TypeError, "RNN: seq_length is no Tensor"),
    ("RNN", lambda net: net(x(), None, Tensor([1, 2], ms.int32)), ValueError, r"seq_length has the shape \(2,\)"),
    ("RNN", lambda net: net(x(), None, Tensor([1, 2, 3], ms.int16)), TypeError, "seq_length has the type int16"),
    ("GRUCell", lambda net: net(x(N, I), x(1, H)), ValueError, r"hx has the shape \(1, 4\), expected \(3, 4\)"),
    ("GRUCell", lambda net: net(x(N, I), None), TypeError, "GRUCell: hx is no Tensor"),
    ("LSTMCell", lambda net: net(x(N, I), None), TypeError, "LSTMCell: hx is no tuple"),
    ("LSTMCell", lambda net: net(x(T, N, I), (x(N, H), x(N, H))), ValueError, r"x has the shape .*expected \(N, 3\)"),
]


@pytest.mark.parametrize(("cell", "call", "kind", "text"), CALLS)
def test_arguments(cell, call, kind, text, mode):
    with pytest.raises(kind, match=text):
        call(getattr(rnn, cell)(I, H))


def test_parameters_of_several_types():
    net = rnn.GRU(I, H)
    net.b_hh_list[0].set_dtype(ms.float16)
    with pytest.raises(TypeError, match="bias_hh_l0 has the type float16, expected float32"):
        net(x())


def test_empty_arrays_in_a_graph():
    ms.set_context(mode=ms.GRAPH_MODE)
    for shape in ((0, N, I), (T, 0, I)):
        with pytest.raises(ValueError, match="a graph passes no empty array"):
            rnn.GRU(I, H)(Tensor(np.ones(shape, np.float32)))


class Slope(nn.Cell):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.gradient = ms.ops.GradOperation()

    def construct(self, x):
        return self.gradient(self.function)(x)


class Square(nn.Cell):
    def __init__(self):
        super().__init__()
        self.net = rnn.GRU(I, H)

    def construct(self, x):
        output = self.net(x)[0]
        return (output * output).sum()


def test_second_derivative(mode):
    with pytest.raises(RuntimeError, match="a second derivative was asked for"):
        Slope(Slope(Square()))(x())


def test_another_device_target(monkeypatch):
    monkeypatch.setattr("rondo.mindspore._run.get_context", lambda _: "Ascend")
    with pytest.raises(RuntimeError, match="rondo.mindspore.GRU: device_target is 'Ascend', expected 'CPU'"):
        rnn.GRU(I, H)


shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)
tensors = st.builds(
    lambda shape, dtype: Tensor(np.ones(shape, dtype)),
    shapes,
    st.sampled_from([np.float16, np.float32, np.float64, np.int32, np.int64]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell"]),
    tensors,
    st.one_of(st.none(), tensors, st.tuples(tensors, tensors)),
    st.one_of(st.none(), tensors, st.lists(st.integers(-2, 6), max_size=4).map(lambda v: Tensor(v, ms.int32))),
)
def test_any_call_gives_an_answer_or_a_reason(cell, x, hx, lengths):
    net = getattr(rnn, cell)(2, 3)
    try:
        net(x, hx) if cell.endswith("Cell") else net(x, hx, lengths)
    except (TypeError, ValueError) as error:
        assert str(error)
