"""RNNCell, LSTMCell and GRUCell: torch.nn's constructors, parameters and calls, one step each.

A single cell's new h is the operator's y; under autocast on the CPU results have the types that torch.nn's have."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._common import autocast_dtype, cast, check_devices, cuda_options, differentiates
from ._operators import forward as forward_operator
from ._packing import forget


class _Cell(nn.RNNCellBase):
    def _cell(self) -> str:
        raise NotImplementedError

    def _step(self, input: Tensor, states: list[Tensor]) -> list[Tensor]:
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: input has {input.dim()} dimensions, expected 1 (one row) or 2 (a batch)")
        for state in states:
            if state.dim() not in (1, 2):
                raise ValueError(f"{name}: hx has {state.dim()} dimensions, expected 1 (one row) or 2 (a batch)")
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
            states = [state.unsqueeze(0) for state in states]
        params = [self.weight_ih, self.weight_hh]
        if self.bias:
            params += [self.bias_ih, self.bias_hh]
        check_devices(input, states, params)
        cell = self._cell()
        network = (
            f"{cell} input_size={self.input_size} hidden_size={self.hidden_size} bias={int(self.bias)} single_cell=1"
        )
        dtype = autocast_dtype(input)
        result = None
        if dtype is not None:
            if input.device.type == "cpu" and cell in ("lstm", "gru"):
                result = states[0].dtype if states else input.dtype
            if cell == "lstm" and result == torch.float32:
                network += " cell_state_type=float32"
            c_dtype = result or dtype
            input = cast(input, dtype)
            states = [cast(state, c_dtype if index == 1 else dtype) for index, state in enumerate(states)]
            params = [cast(param, dtype) for param in params]
        h0 = states[0] if states else None
        c0 = states[1] if len(states) > 1 else None
        h, _, c, _ = forward_operator(
            input,
            h0,
            c0,
            params,
            None,
            None,
            input.size(0),
            None,
            network + cuda_options(input),
            differentiates([input, h0, c0, *params]),
        )
        outputs = [h, c] if cell == "lstm" else [h]
        if result is not None:
            outputs = [output.to(result) for output in outputs]
        return outputs if batched else [output.squeeze(0) for output in outputs]

    def train(self, mode: bool = True):  # type: ignore[no-untyped-def]
        """torch.nn.Module.train; drops the packed parameters, so that writes through `.data` before it are seen."""
        forget([self.weight_ih])
        return super().train(mode)


class RNNCell(_Cell):
    """torch.nn.RNNCell, computed by rondo: see torch.nn.RNNCell for the arguments."""

    __module__ = "rondo.torch"
    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(  # type: ignore[no-untyped-def]
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device=None, dtype=None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def _cell(self) -> str:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"nonlinearity is {self.nonlinearity!r}, expected 'tanh' or 'relu'")
        return f"rnn_{self.nonlinearity}"

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """h' [N, hidden_size] of input [N, input_size] and hx [N, hidden_size], or all without the N."""
        return self._step(input, [] if hx is None else [hx])[0]


class LSTMCell(_Cell):
    """torch.nn.LSTMCell, computed by rondo: see torch.nn.LSTMCell for the arguments."""

    __module__ = "rondo.torch"

    def __init__(  # type: ignore[no-untyped-def]
        self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype=None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def _cell(self) -> str:
        return "lstm"

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """(h', c') [N, hidden_size] each of input [N, input_size] and hx = (h, c), or all without the N."""
        h, c = self._step(input, [] if hx is None else [hx[0], hx[1]])
        return h, c


class GRUCell(_Cell):
    """torch.nn.GRUCell, computed by rondo: see torch.nn.GRUCell for the arguments."""

    __module__ = "rondo.torch"

    def __init__(  # type: ignore[no-untyped-def]
        self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype=None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def _cell(self) -> str:
        return "gru"

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """h' [N, hidden_size] of input [N, input_size] and hx [N, hidden_size], or all without the N."""
        return self._step(input, [] if hx is None else [hx])[0]
