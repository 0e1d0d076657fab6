"""Bad input: the exception types that Python and torch use, with a text of argument, value and expectation.

Sizes and types that do not fit raise rondo's error, which is a RuntimeError and a ValueError as torch's are either."""

from __future__ import annotations

import numpy as np
import pytest

import rondo

ones = np.ones


def f32(*shape):
    return np.ones(shape, np.float32)


def lstm(*args, **options):
    return rondo.LSTM(3, 4, 2)(*args, **options)


def after_forward(call):
    module = rondo.LSTM(3, 4)
    module(f32(5, 2, 3))
    return call(module)


BOTH = (RuntimeError, ValueError)
CASES = [
    # Constructors.
    (lambda: rondo.LSTM(0, 4), BOTH, "input_size is 0"),
    (lambda: rondo.LSTM(3, -4), BOTH, "hidden_size is -4, expected 1"),
    (lambda: rondo.LSTM(3, 4, 0), BOTH, "num_layers is 0, expected 1"),
    (lambda: rondo.LSTM(3, 4, proj_size=4), BOTH, "proj_size is 4"),
    (lambda: rondo.LSTM(3, 4, proj_size=-1), BOTH, "proj_size is -1"),
    (lambda: rondo.GRU(3, 4, proj_size=2), BOTH, "proj_size is 2"),
    (lambda: rondo.LSTM(3, 4, dropout=1.5), BOTH, "dropout is 1.5"),
    (lambda: rondo.LSTM(3, 4, dropout=float("nan")), BOTH, "dropout is nan"),
    (lambda: rondo.LSTM(3, 4, dropout="0.5"), ValueError, "dropout is '0.5', expected a number from 0 to 1"),
    (lambda: rondo.LSTM(3, 4, dropout=True), ValueError, "dropout is True, expected a number from 0 to 1"),
    (lambda: rondo.LSTM(3, 2**70), ValueError, "hidden_size is 1180591620717411303424, expected an integer of 64 bits"),
    (lambda: rondo.LSTM(3, 4.0), TypeError, "hidden_size is 4.0, expected an integer"),
    (lambda: rondo.LSTM("3", 4), TypeError, "input_size is '3', expected an integer"),
    (lambda: rondo.LSTM(3, 4, bias=1), TypeError, "bias is 1, expected True or False"),
    (lambda: rondo.LSTM(3, 4, batch_first="yes"), TypeError, "batch_first is 'yes', expected True or False"),
    (lambda: rondo.LSTM(3, 4, dtype=np.int32), TypeError, "dtype is .*int32.*, expected one of float64, float32"),
    (lambda: rondo.LSTM(3, 4, dtype="f99"), TypeError, "dtype is 'f99', expected one of"),
    (lambda: rondo.LSTM(3, 4, device="tpu"), ValueError, "device is 'tpu', expected 'cpu' or 'cuda'"),
    (lambda: rondo.LSTM(3, 4, wrong=1), TypeError, "wrong"),
    (lambda: rondo.LSTM(3, 4, backend="none"), ValueError, "backend is 'none', expected one of auto, cpu"),
    (lambda: rondo.RNN(3, 4, nonlinearity="sin"), ValueError, "nonlinearity is 'sin', expected 'tanh' or 'relu'"),
    (lambda: rondo.RNNCell(3, 4, nonlinearity="sin"), ValueError, "nonlinearity is 'sin'"),
    (lambda: rondo.LSTM(3), TypeError, "hidden_size"),
    # x.
    (lambda: lstm(f32(3)), BOTH, r"x has shape \(3,\), expected \(T, N, I\) or \(T, I\)"),
    (lambda: lstm(f32(1, 2, 3, 3)), BOTH, r"x has shape \(1, 2, 3, 3\)"),
    (lambda: lstm(f32(5, 2, 4)), BOTH, r"x has shape \(5, 2, 4\), expected 3 as its last size, the input_size"),
    (lambda: lstm(ones((5, 2, 3))), BOTH, "x has dtype float64, expected float32, the module's"),
    (lambda: lstm(ones((5, 2, 3), ">f4")), BOTH, "x has dtype >f4, expected float32"),
    (lambda: lstm(ones((5, 2, 3), object)), BOTH, "x has dtype object"),
    (lambda: lstm([[[1.0]]]), TypeError, "x is of type list, expected an array"),
    (lambda: lstm(None), TypeError, "x is of type NoneType, expected an array"),
    (lambda: rondo.GRUCell(3, 4)(f32(5, 2, 3)), BOTH, r"x has shape \(5, 2, 3\), expected \(N, I\) or \(I,\)"),
    (lambda: rondo.GRUCell(3, 4)(f32(5, 2)), BOTH, "expected 3 as its last size"),
    # hx.
    (lambda: lstm(f32(5, 2, 3), f32(2, 2, 4)), TypeError, r"\(h0, c0\) is ndarray, expected a pair of arrays"),
    (lambda: lstm(f32(5, 2, 3), (f32(2, 2, 4),)), TypeError, r"\(h0, c0\) is 1 values, expected a pair of arrays"),
    (
        lambda: lstm(f32(5, 2, 3), (f32(1, 2, 4), f32(2, 2, 4))),
        BOTH,
        r"h0 has shape \(1, 2, 4\), expected \(2, 2, 4\)",
    ),
    (lambda: lstm(f32(5, 2, 3), (f32(2, 2, 4), f32(2, 2, 5))), BOTH, r"c0 has shape \(2, 2, 5\)"),
    (lambda: lstm(f32(5, 2, 3), (f32(2, 2, 4), ones((2, 2, 4)))), BOTH, "c0 has dtype float64, expected float32"),
    (lambda: lstm(f32(5, 3), (f32(2, 1, 4), f32(2, 1, 4))), BOTH, r"h0 has shape \(2, 1, 4\), expected \(2, 4\)"),
    (lambda: rondo.GRU(3, 4)(f32(5, 2, 3), (f32(1, 2, 4),)), TypeError, "h0 is of type tuple, expected an array"),
    # lengths.
    (lambda: lstm(f32(5, 2, 3), lengths=[6, 1]), BOTH, r"rondo_forward: lengths\[0\] is 6, but T is 5"),
    (lambda: lstm(f32(5, 2, 3), lengths=[1, -1]), BOTH, r"lengths\[1\] is -1, expected 0 to T"),
    (lambda: lstm(f32(5, 2, 3), lengths=np.array([2**62] * 2)), BOTH, r"lengths\[0\] is 4611686018427387904"),
    (lambda: lstm(f32(5, 2, 3), lengths=np.array([9, 1], np.int32)), BOTH, r"lengths32\[0\] is 9, but T is 5"),
    (lambda: lstm(f32(5, 2, 3), lengths=[1]), BOTH, r"lengths has shape \(1,\), expected \(2,\), an entry per row"),
    (lambda: lstm(f32(5, 2, 3), lengths=[1.0, 2.0]), TypeError, "lengths has dtype float64, expected int64 or int32"),
    (lambda: lstm(f32(5, 2, 3), lengths=[2**70, 1]), TypeError, "lengths has dtype object"),
    (lambda: lstm(f32(5, 2, 3), lengths="ab"), TypeError, "lengths"),
    (lambda: lstm(rondo.pack_sequence([f32(5, 3)]), lengths=[5]), BOTH, "x is a PackedSequence, which has its own"),
    (lambda: lstm(rondo.pack_sequence([f32(5, 4)])), BOTH, r"x.data has shape \(5, 4\), expected \(5, 3\)"),
    (
        lambda: lstm(rondo.PackedSequence(f32(3, 3), [1, 2])),
        BOTH,
        r"rondo_forward: batch_sizes\[1\] is 2, expected 1 to 1",
    ),
    # backward.
    (lambda: rondo.LSTM(3, 4).backward(None), RuntimeError, "backward: no forward call before it in this thread"),
    (
        lambda: after_forward(lambda m: m.backward(f32(5, 2, 3))),
        BOTH,
        r"dy has shape \(5, 2, 3\), expected \(5, 2, 4\)",
    ),
    (
        lambda: after_forward(lambda m: m.backward(None, f32(1, 2, 4))),
        TypeError,
        r"\(dhn, dcn\) is ndarray, expected a pair of arrays",
    ),
    (lambda: after_forward(lambda m: m.backward(ones((5, 2, 4)))), BOTH, "dy has dtype float64, expected float32"),
    (lambda: after_forward(lambda m: m.train("no")), ValueError, "training mode is expected to be boolean"),
    (lambda: rondo.manual_seed("seed"), TypeError, "seed is 'seed', expected an integer"),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_refusal(number):
    call, errors, text = CASES[number]
    for error in errors if isinstance(errors, tuple) else (errors,):
        with pytest.raises(error, match=text):
            call()


def test_the_error_has_status_and_text():
    with pytest.raises(rondo.RondoError) as caught:
        lstm(f32(5, 2, 3), lengths=[6, 1])
    assert (caught.value.status, caught.value.status_name) == (1, "RONDO_ERROR_INVALID_ARGUMENT")
    assert caught.value.text == str(caught.value) == "rondo_forward: lengths[0] is 6, but T is 5"
    with pytest.raises(rondo.RondoError) as caught:
        rondo.LSTM(3, 4).backward(None)
    assert caught.value.status_name == "RONDO_ERROR_STATE"
    assert not isinstance(caught.value, ValueError)


def test_a_failed_call_leaves_the_module_as_it_was():
    module = rondo.LSTM(3, 4).eval()
    expected = module(f32(5, 2, 3))[0]
    with pytest.raises(rondo.RondoError):
        module(f32(5, 2, 3), lengths=[6, 1])
    assert np.array_equal(module(f32(5, 2, 3))[0], expected)
