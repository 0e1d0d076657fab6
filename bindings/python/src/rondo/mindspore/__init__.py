"""``mindspore.nn``'s recurrent modules computed by rondo: RNN, LSTM, GRU and their cells, for MindSpore 2.10 on CPUs.

Each class is a subclass of MindSpore's own, from which it has its constructor, its parameters, their names and initial
values, and its place in a network; only the computation is another. One import changes, and checkpoints load both ways:

>>> import numpy as np
>>> import mindspore as ms
>>> import rondo.mindspore as rnn
>>> net = rnn.GRU(10, 16, 2, has_bias=True, batch_first=True, bidirectional=False)
>>> x = ms.Tensor(np.ones([3, 5, 10]).astype(np.float32))
>>> h0 = ms.Tensor(np.ones([1 * 2, 3, 16]).astype(np.float32))
>>> output, hn = net(x, h0)
>>> print(output.shape)
(3, 5, 16)

Calls are ``net(x, hx=None, seq_length=None)`` for layers and ``net(x, hx)`` for cells; ``hx`` is a tuple ``(h, c)``
for LSTM. ``seq_length`` is an int32 or int64 Tensor of shape (N,), in any order. Forward and gradient work in
PyNative mode, in graph mode, and in functions under ``ms.jit``. In a graph rondo is a custom operator
(``ops.Custom``, "pyfunc"): sizes must be known when the graph is compiled. There a module in training
(``set_train()``) keeps what its gradient needs, any other computes the forward pass again when a gradient is asked
for; PyNative mode knows by itself.

Where this differs from ``mindspore.nn``
----------------------------------------
A length below 0 or above T is an error in both directions. MindSpore takes such a length for 0 or T in a layer of one
direction, and raises only in a bidirectional one. (After an error while it runs, MindSpore refuses to run that compiled
graph from then on; PyNative mode has no such state.)

>>> x = ms.Tensor(np.ones([5, 2, 3]).astype(np.float32))
>>> rnn.LSTM(3, 4)(x, None, ms.Tensor([2, 7], ms.int32))
Traceback (most recent call last):
rondo._library.RondoValueError: rondo_forward: lengths32[1] is 7, but T is 5

No steps (T = 0) is a valid call in PyNative mode: hx_n is hx. So is N = 0 for LSTM too. MindSpore raises. In a graph,
which has no empty arrays, both are a ValueError.

>>> output, hn = rnn.GRU(3, 4)(x[:0], ms.Tensor(np.ones([1, 2, 4]).astype(np.float32)))
>>> print(output.shape, hn.asnumpy().sum())
(0, 2, 4) 8.0

A shape that does not fit is a ValueError that names the argument. MindSpore's texts are those of the operator that
happens to fail; its cells take an hx of one row for all rows, here each row has its own.

>>> rnn.GRUCell(3, 4)(x[0], ms.Tensor(np.ones([1, 4]).astype(np.float32)))
Traceback (most recent call last):
ValueError: GRUCell: hx has the shape (1, 4), expected (2, 4)

float64 is accepted everywhere (MindSpore: in layers without hx only), and cells compute in the element type of x as
layers do, whatever the parameters' (MindSpore: a TypeError). bfloat16 is a TypeError in both.

>>> half = ms.Tensor(np.ones([2, 3]).astype(np.float16))
>>> print(rnn.RNNCell(3, 4)(half, ms.ops.zeros((2, 4), ms.float16)).dtype)
Float16

The gradient of LSTM in float16 without seq_length is that of float32 to rounding. MindSpore 2.10's own is wrong there:

>>> net, ones = rnn.LSTM(3, 4), ms.ops.ones((5, 2, 3), ms.float32)
>>> slope = [ms.grad(lambda x: net(x)[0].sum())(ones.astype(t)).asnumpy() for t in (ms.float32, ms.float16)]
>>> print(abs(slope[0] - slope[1]).max() < 0.01)
True

Dropout's masks are rondo's. Their key comes from NumPy's global generator, which ``ms.set_seed`` seeds and which
MindSpore draws initial values from; ``ms.manual_seed`` does not change them.

>>> net = rnn.LSTM(3, 4, 2, dropout=0.5).set_train()
>>> ms.set_seed(1); first = net(x)[0].asnumpy()
>>> ms.set_seed(1); print((net(x)[0].asnumpy() == first).all())
True

A second derivative is a RuntimeError. Any ``device_target`` but "CPU" is a RuntimeError when a module is made.

>>> gradient = ms.grad(lambda x: net(x)[0].sum())
>>> ms.grad(lambda x: gradient(x).sum())(x)
Traceback (most recent call last):
RuntimeError: rondo.mindspore: a second derivative was asked for; only first derivatives are available

Where this differs from rondo itself
------------------------------------
These follow MindSpore's constructor and
calls, and rondo's own modules (``rondo.GRU`` and so on) have what is missing: a cell's hx must be given (rondo:
absent is zeros); x always has a batch (rondo: it may lack one); there is no projection and no packed sequence; y is 0
beyond a row's length (rondo: any padding value); dropout is a float in [0, 1) (rondo: any number from 0 to 1); RNN's
``nonlinearity`` is given by name only; and initial values are MindSpore's (uniform in the same bounds, from NumPy's
generator in layers and MindSpore's in cells).

>>> rnn.GRUCell(3, 4)(x[0])
Traceback (most recent call last):
TypeError: ...construct() missing 1 required positional argument: 'hx'
>>> rnn.GRU(3, 4)(x[0])
Traceback (most recent call last):
ValueError: GRU: x has the shape (2, 3), expected (T, N, 3)
>>> rnn.LSTM(3, 4, proj_size=2)
Traceback (most recent call last):
TypeError: _RNNBase.__init__() got an unexpected keyword argument 'proj_size'
>>> output, _ = rnn.GRU(3, 4)(x, None, ms.Tensor([5, 1], ms.int64))
>>> print(output[1:, 1].asnumpy().any())
False
>>> rnn.GRU(3, 4, 2, dropout=1.0)
Traceback (most recent call last):
ValueError: For 'GRU', the 'dropout' must be a number in range [0, 1) ...
>>> print(rnn.RNN(3, 4, 1, nonlinearity="relu")(x)[0].shape)
(5, 2, 4)
>>> ms.set_seed(1); theirs = ms.nn.GRU(3, 4).w_ih_list[0].asnumpy()
>>> ms.set_seed(1); print((rnn.GRU(3, 4).w_ih_list[0].asnumpy() == theirs).all())
True
"""

try:
    import mindspore as _mindspore  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"rondo.mindspore needs MindSpore (pip install mindspore), which cannot be imported: {error}"
    ) from error

from ._cells import GRUCell, LSTMCell, RNNCell
from ._layers import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]
