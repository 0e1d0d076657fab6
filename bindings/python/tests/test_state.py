"""State of modules: parameters, state_dict, pickling, and modules in several threads and after a fork.

A module's parameters are one set that never changes, so a call keeps the set that it began with."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import rondo


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


# ---- state ---------------------------------------------------------------------------------------------------------


def test_parameters_are_read_only_and_assigned_whole():
    module = rondo.LSTM(3, 4).eval()
    x = normal(5, 2, 3)
    before = module(x)[0]
    with pytest.raises(ValueError, match="read-only"):
        module.weight_ih_l0[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        module.weight_ih_l0.flags.writeable = True
    module.weight_ih_l0 = np.zeros((16, 3))
    assert not module.state_dict()["weight_ih_l0"].any()
    assert not np.array_equal(module(x)[0], before)
    with pytest.raises(ValueError, match="size mismatch for weight_ih_l0"):
        module.weight_ih_l0 = np.zeros((3, 16))
    with pytest.raises(AttributeError, match="hidden_size is decided when the module is made"):
        module.hidden_size = 5
    with pytest.raises(AttributeError, match="'LSTM' object has no attribute 'weight_ih_l1'"):
        _ = module.weight_ih_l1


def test_load_state_dict_refuses_as_torch_does_and_changes_nothing():
    module = rondo.GRU(3, 4)
    before = module.state_dict()
    good = {name: np.zeros_like(array) for name, array in before.items()}
    for bad, text in (
        ({k: v for k, v in good.items() if k != "bias_hh_l0"}, r'Missing key\(s\) in state_dict: "bias_hh_l0"'),
        ({**good, "more": good["bias_hh_l0"]}, r'Unexpected key\(s\) in state_dict: "more"'),
        ({**good, "bias_hh_l0": np.zeros(5)}, r"size mismatch for bias_hh_l0: .*\(5,\).*\(12,\)"),
        ({**good, "bias_hh_l0": "text"}, "bias_hh_l0 is of type str, expected an array"),
        ({**good, "bias_hh_l0": np.zeros(12, complex)}, "bias_hh_l0 has dtype complex128"),
    ):
        with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict for GRU") as caught:
            module.load_state_dict(bad)
        caught.match(text)
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        module.load_state_dict([1])
    assert all(np.array_equal(before[name], array) for name, array in module.state_dict().items())
    keys = module.load_state_dict({"bias_hh_l0": np.ones(12, np.float64), "more": 1}, strict=False)
    assert keys.missing_keys == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"]
    assert keys.unexpected_keys == ["more"]
    assert module.bias_hh_l0.dtype == np.float32
    assert module.bias_hh_l0.all()


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda module: pickle.loads(pickle.dumps(module))])
def test_pickling_and_copies(again):
    for module in (rondo.LSTM(3, 4, 2, dropout=0.5, proj_size=2), rondo.RNNCell(3, 4, nonlinearity="relu").eval()):
        module.note = "kept"
        x = normal(5, 3) if isinstance(module, rondo.RNNCell) else normal(5, 2, 3)
        module(x)
        other = again(module)
        assert (type(other), repr(other), other.training, other.note) == (
            type(module),
            repr(module),
            module.training,
            "kept",
        )
        module.eval()
        other.eval()
        out, same = module(x), other(x)
        assert np.array_equal(out[0], same[0])
        other.load_state_dict({name: np.zeros_like(array) for name, array in other.state_dict().items()})
        assert module.state_dict()["weight_hh" if isinstance(module, rondo.RNNCell) else "weight_hh_l0"].any()


# ---- threads and forks ---------------------------------------------------------------------------------------------


def test_threads_share_a_module():
    module = rondo.LSTM(6, 8, 2, dtype=np.float64)
    inputs = [normal(3 + i, 2, 6, dtype=np.float64, seed=i) for i in range(6)]
    expected = []
    for x in inputs:
        y, _ = module(x)
        expected.append((y, module.backward(y)[2]))
    failures = []

    def work(number):
        for round_ in range(40):
            at = (number + round_) % len(inputs)
            y, _ = module(inputs[at])
            gradients = module.backward(y)[2]
            if not np.array_equal(y, expected[at][0]):
                failures.append(("y", number, at))
            for name, gradient in gradients.items():
                if not np.array_equal(gradient, expected[at][1][name]):
                    failures.append((name, number, at))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert np.array_equal(module.backward(expected[-1][0])[2]["bias_ih_l0"], expected[-1][1]["bias_ih_l0"])


def test_parameters_may_change_while_another_thread_calls():
    module = rondo.GRU(6, 8).eval()
    x = normal(50, 4, 6)
    states = [module.state_dict(), {name: np.zeros_like(array) for name, array in module.state_dict().items()}]
    expected = []
    for state in states:
        module.load_state_dict(state)
        expected.append(module(x)[0])
    stop, wrong = threading.Event(), []

    def work():
        while not stop.is_set():
            y = module(x)[0]
            if not any(np.array_equal(y, one) for one in expected):
                wrong.append(y)

    thread = threading.Thread(target=work)
    thread.start()
    for turn in range(200):
        module.load_state_dict(states[turn % 2])
    stop.set()
    thread.join()
    assert not wrong


def test_the_interpreter_runs_while_the_library_computes(python):
    """A call of a second or so must let another thread count meanwhile."""
    out = python(
        "import threading, time, numpy as np, rondo\n"
        "lstm = rondo.LSTM(256, 512).eval()\n"
        "x = np.zeros((600, 16, 256), np.float32)\n"
        "lstm(x[:2])\n"
        "begin = threading.Event(); done = threading.Event(); ticks = []\n"
        "def count():\n"
        "    begin.wait()\n"
        "    while not done.is_set():\n"
        "        ticks.append(time.perf_counter()); time.sleep(0.001)\n"
        "thread = threading.Thread(target=count); thread.start(); begin.set()\n"
        "start = time.perf_counter(); lstm(x); end = time.perf_counter(); done.set(); thread.join()\n"
        "inside = [t for t in ticks if start < t < end]\n"
        "print(len(inside), end - start)\n"
    )
    inside, seconds = out.split()
    assert float(seconds) > 0.02
    assert int(inside) >= 3


def test_a_forked_child_computes(python):
    out = python(
        "import os, numpy as np, rondo\n"
        "rondo.manual_seed(1)\n"
        "lstm = rondo.LSTM(64, 64); x = np.ones((20, 8, 64), np.float32); y = lstm(x)[0]\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    same = np.array_equal(lstm(x)[0], y) and rondo.LSTM(64, 64)(x)[0].shape == y.shape\n"
        "    os._exit(3 if same else 4)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert out.strip() == "3"
