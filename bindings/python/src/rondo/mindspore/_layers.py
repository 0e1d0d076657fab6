"""RNN, LSTM, GRU: MindSpore's own classes, so constructor, parameters and their initial values are theirs.

construct must stay within what MindSpore's graph compiler reads: it parses this file's source."""

from __future__ import annotations

from typing import Any

from mindspore import nn

from rondo._spec import Spec

from ._arguments import in_type, optional, pair, tensor
from ._run import Run


def _run(layer: Any, cell: str) -> Run:
    spec = Spec(
        cell=cell,
        input_size=layer.w_ih_list[0].shape[1],
        hidden_size=layer.hidden_size,
        num_layers=layer.num_layers,
        bidirectional=layer.bidirectional,
        bias=layer.has_bias,
        dropout=float(layer.dropout) if layer.num_layers > 1 else 0.0,
        batch_first=layer.batch_first,
    )
    return Run(layer.cls_name, spec)


class _OneState:
    """What RNN and GRU do at a call."""

    def construct(self, x, hx=None, seq_length=None):  # type: ignore[no-untyped-def]
        x = tensor(self.cls_name, "x", x)
        h0 = optional(self.cls_name, "hx", hx, self.rnn.absent)
        lengths = optional(self.cls_name, "seq_length", seq_length, self.rnn.absent)
        params = in_type(self.w_ih_list + self.w_hh_list + self.b_ih_list + self.b_hh_list, x.dtype)
        outputs = self.rnn(x, h0, self.rnn.absent, lengths, params)
        return outputs[0], outputs[1]


class RNN(_OneState, nn.RNN):  # type: ignore[misc]
    """``mindspore.nn.RNN`` computed by rondo: ``output, hx_n = net(x, hx, seq_length)``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rnn = _run(self, "rnn_" + kwargs.get("nonlinearity", "tanh"))


class GRU(_OneState, nn.GRU):  # type: ignore[misc]
    """``mindspore.nn.GRU`` computed by rondo: ``output, hx_n = net(x, hx, seq_length)``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rnn = _run(self, "gru")


class LSTM(nn.LSTM):  # type: ignore[misc]
    """``mindspore.nn.LSTM`` computed by rondo: ``output, (h_n, c_n) = net(x, (h_0, c_0), seq_length)``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rnn = _run(self, "lstm")

    def construct(self, x, hx=None, seq_length=None):  # type: ignore[no-untyped-def]
        x = tensor(self.cls_name, "x", x)
        h0, c0 = self.rnn.absent, self.rnn.absent
        if hx is not None:
            h0, c0 = pair(self.cls_name, hx)
        lengths = optional(self.cls_name, "seq_length", seq_length, self.rnn.absent)
        params = in_type(self.w_ih_list + self.w_hh_list + self.b_ih_list + self.b_hh_list, x.dtype)
        outputs = self.rnn(x, h0, c0, lengths, params)
        return outputs[0], (outputs[1], outputs[2])
