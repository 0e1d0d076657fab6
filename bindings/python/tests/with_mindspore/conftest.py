"""What the tests of rondo.mindspore share: random tensors, and one comparison of two modules in outputs and gradients.

MindSpore's mode is process-wide, so each test says its own and is put back to PyNative mode afterwards."""

import numpy as np
import pytest

ms = pytest.importorskip("mindspore")
from mindspore import Tensor, nn  # noqa: E402

MODES = {"pynative": ms.PYNATIVE_MODE, "graph": ms.GRAPH_MODE}


@pytest.fixture(autouse=True)
def pynative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a graph that cannot be compiled is described in a file of the current folder
    ms.set_context(mode=ms.PYNATIVE_MODE)
    ms.set_seed(1)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture(params=list(MODES))
def mode(request):
    ms.set_context(mode=MODES[request.param])
    return request.param


def random(*shape, dtype=np.float32):
    return Tensor(np.random.standard_normal(shape).astype(dtype))


def flat(outputs):
    if isinstance(outputs, (tuple, list)):
        return [tensor for each in outputs for tensor in flat(each)]
    return [outputs]


class Loss(nn.Cell):
    """A number that every output has a say in, each element another one."""

    def __init__(self, module, weights):
        super().__init__()
        self.module = module
        self.weights = weights

    def construct(self, x, hx=None, seq_length=None):
        if seq_length is not None:
            out = self.module(x, hx, seq_length)
        elif hx is not None:
            out = self.module(x, hx)
        else:
            out = self.module(x)
        if not isinstance(out, tuple):
            return (out * self.weights[0]).sum()
        if not isinstance(out[1], tuple):
            return (out[0] * self.weights[0]).sum() + (out[1] * self.weights[1]).sum()
        return (
            (out[0] * self.weights[0]).sum()
            + (out[1][0] * self.weights[1]).sum()
            + (out[1][1] * self.weights[2]).sum()
        )


def difference(found, expected):
    """max|a-b| / max(1, max|b|) over all tensors, which must agree in number, shape and type."""
    found, expected = flat(found), flat(expected)
    assert [(t.shape, t.dtype) for t in found] == [(t.shape, t.dtype) for t in expected]
    worst = 0.0
    for a, b in zip(found, expected):
        a, b = a.asnumpy().astype(np.float64), b.asnumpy().astype(np.float64)
        if b.size:
            worst = max(worst, np.abs(a - b).max() / max(1.0, np.abs(b).max()))
    return worst


def gradients(module, weights, arguments):
    """Of the Loss: by x, by hx where given, and by every parameter."""
    positions = tuple(range(min(2, sum(a is not None for a in arguments[:2]))))
    loss = Loss(module, weights)
    return ms.grad(loss, positions, loss.trainable_params())(*arguments)


def compare(ours, theirs, *arguments, forward=1e-5, backward=1e-4):
    """Asserts that `ours`, given the parameters of `theirs`, has its outputs and all its gradients."""
    ms.load_param_into_net(ours, theirs.parameters_dict())
    expected = theirs(*arguments)
    errors = [difference(ours(*arguments), expected)]
    weights = [random(*tensor.shape, dtype=tensor.asnumpy().dtype) for tensor in flat(expected)]
    errors.append(difference(gradients(ours, weights, arguments), gradients(theirs, weights, arguments)))
    print(f"worst: outputs {errors[0]:.1e}, gradients {errors[1]:.1e}")
    assert errors[0] <= forward
    assert errors[1] <= backward
