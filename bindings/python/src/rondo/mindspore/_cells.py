"""RNNCell, LSTMCell, GRUCell: MindSpore's own classes, one step of which rondo computes.

construct must stay within what MindSpore's graph compiler reads: it parses this file's source."""

from __future__ import annotations

from typing import Any

from mindspore import nn

from rondo._spec import Spec

from ._arguments import in_type, pair, tensor
from ._run import Run


def _run(module: Any, cell: str) -> Run:
    spec = Spec(
        cell=cell,
        input_size=module.input_size,
        hidden_size=module.hidden_size,
        bias=module.has_bias,
        single_cell=True,
    )
    return Run(module.cls_name, spec)


class _OneState:
    """What RNNCell and GRUCell do at a call."""

    def construct(self, x, hx):  # type: ignore[no-untyped-def]
        x = tensor(self.cls_name, "x", x)
        h0 = tensor(self.cls_name, "hx", hx)
        params = (self.weight_ih, self.weight_hh)
        if self.has_bias:
            params = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        outputs = self.rnn(x, h0, self.rnn.absent, self.rnn.absent, in_type(params, x.dtype))
        return outputs[1]


class RNNCell(_OneState, nn.RNNCell):  # type: ignore[misc]
    """``mindspore.nn.RNNCell`` computed by rondo: ``hx = net(x, hx)``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rnn = _run(self, "rnn_" + self.nonlinearity)


class GRUCell(_OneState, nn.GRUCell):  # type: ignore[misc]
    """``mindspore.nn.GRUCell`` computed by rondo: ``hx = net(x, hx)``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rnn = _run(self, "gru")


class LSTMCell(nn.LSTMCell):  # type: ignore[misc]
    """``mindspore.nn.LSTMCell`` computed by rondo: ``h, c = net(x, (h, c))``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rnn = _run(self, "lstm")

    def construct(self, x, hx):  # type: ignore[no-untyped-def]
        x = tensor(self.cls_name, "x", x)
        h0, c0 = pair(self.cls_name, hx)
        params = (self.weight_ih, self.weight_hh)
        if self.has_bias:
            params = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        outputs = self.rnn(x, h0, c0, self.rnn.absent, in_type(params, x.dtype))
        return outputs[1], outputs[2]
