"""A module as a whole: the documentation's examples, checkpoints in both directions, initial values, a training run.

The examples of MindSpore's own documentation run as written, with the import alone changed."""

import copy
import doctest

import mindspore as ms
import numpy as np
import pytest
from conftest import difference, flat, random
from mindspore import Tensor, nn

import rondo.mindspore as rnn

MODULES = ["RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell"]


@pytest.mark.parametrize("module", [ms.nn, rnn], ids=["mindspore.nn", "rondo.mindspore"])
@pytest.mark.parametrize("name", MODULES)
def test_the_documentations_examples(name, module):
    text = getattr(ms.nn, name).__doc__.replace("ms.nn.", "rnn.")
    test = doctest.DocTestParser().get_doctest(text, {"rnn": module}, name, None, 0)
    assert len(test.examples) > 3
    assert doctest.DocTestRunner().run(test).failed == 0


def test_this_modules_documentation():
    assert doctest.testmod(rnn, optionflags=doctest.ELLIPSIS).failed == 0


def build(module, name):
    if name.endswith("Cell"):
        return getattr(module, name)(10, 16)
    return getattr(module, name)(10, 16, 2, has_bias=True, batch_first=True, bidirectional=True)


def call(module, name):
    np.random.seed(7)
    if name.endswith("Cell"):
        h, x = random(3, 16), random(3, 10)
        return module(x, (h, h + 1) if name == "LSTMCell" else h)
    h, x = random(4, 3, 16), random(3, 5, 10)
    return module(x, (h, h + 1) if name == "LSTM" else h)


@pytest.mark.parametrize("name", MODULES)
def test_one_seed_gives_the_same_values(name):
    ms.set_seed(5)
    theirs = build(nn, name)
    ms.set_seed(5)
    ours = build(rnn, name)
    assert isinstance(ours, getattr(nn, name))
    for a, b in zip(ours.get_parameters(), theirs.get_parameters()):
        assert (a.name, a.shape, a.dtype) == (b.name, b.shape, b.dtype)
        assert (a.asnumpy() == b.asnumpy()).all()
    assert difference(call(ours, name), call(theirs, name)) <= 1e-5


class Net(nn.Cell):
    def __init__(self, module, name):
        super().__init__()
        self.recurrent = build(module, name)
        self.out = nn.Dense(3, 2)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize(("source", "target"), [(nn, rnn), (rnn, nn)], ids=["to rondo", "from rondo"])
def test_checkpoints(name, source, target, tmp_path):
    first, second = Net(source, name), Net(target, name)
    ms.save_checkpoint(first, str(tmp_path / "net.ckpt"))
    missing, unused = ms.load_param_into_net(second, ms.load_checkpoint(str(tmp_path / "net.ckpt")))
    assert not missing and not unused
    assert difference(call(second.recurrent, name), call(first.recurrent, name)) <= 1e-5


@pytest.mark.parametrize("name", MODULES)
def test_copies_are_apart(name):
    net = build(rnn, name)
    before = [tensor.asnumpy().copy() for tensor in flat(call(net, name))]
    other = copy.deepcopy(net)
    for parameter in other.get_parameters():
        parameter.set_data(parameter * 0)
    assert all((a == b.asnumpy()).all() for a, b in zip(before, flat(call(net, name))))
    assert any((a != b.asnumpy()).any() for a, b in zip(before, flat(call(other, name))))


class Classifier(nn.Cell):
    def __init__(self, module):
        super().__init__()
        self.recurrent = module.LSTM(4, 8, 1, bidirectional=True)
        self.out = nn.Dense(16, 2)

    def construct(self, x, lengths):
        _, (h, _) = self.recurrent(x, None, lengths)
        return self.out(ms.ops.concat((h[0], h[1]), 1))


def test_training_takes_the_same_steps():
    x, lengths = random(6, 8, 4), Tensor(np.array([6, 1, 3, 2, 5, 4, 6, 2], np.int32))
    wanted = Tensor(np.arange(8) % 2, ms.int32)
    loss = nn.CrossEntropyLoss()
    losses = {}
    for module in (nn, rnn):
        ms.set_seed(5)
        net = Classifier(module)
        net.out.weight.set_data(Tensor(np.full((2, 16), 0.1, np.float32)))
        net.out.bias.set_data(Tensor(np.zeros(2, np.float32)))
        net.set_train()
        optimizer = nn.Adam(net.trainable_params(), 0.05)
        step = ms.value_and_grad(lambda: loss(net(x, lengths), wanted), None, optimizer.parameters)
        losses[module] = []
        for _ in range(8):
            value, gradients = step()
            optimizer(gradients)
            losses[module].append(float(value.asnumpy()))
    assert np.allclose(losses[rnn], losses[nn], rtol=1e-4)
    assert losses[rnn][-1] < losses[rnn][0]


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_mixed_precision_gives_their_types(name, mode):
    types = []
    for module in (nn, rnn):
        net = getattr(module, name)(3, 4)
        net.to_float(ms.float16)
        types.append([tensor.dtype for tensor in flat(net(random(5, 2, 3)))])
    assert types[0] == types[1]
