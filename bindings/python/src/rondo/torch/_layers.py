"""RNN, LSTM and GRU: torch.nn's constructors, attributes, parameters and calls, with `lengths` besides.

They derive from torch.nn.RNNBase and not from nn.LSTM and its like, which Dynamo refuses to trace."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ._common import autocast_dtype, cast, check_devices, cuda_options, differentiates, draw_seed, packed_rows
from ._operators import forward as forward_operator
from ._packing import forget


class _Layers(nn.RNNBase):
    """What the three have in common; `_states` is how many states hx holds."""

    _states = 1

    def forward(self, input, hx=None, lengths=None):  # type: ignore[no-untyped-def]
        """(output, hn), or (output, (hn, cn)) for an LSTM, as torch.nn's class gives them.

        Parameters
        ----------
        input : Tensor or PackedSequence
            [T, N, input_size], [N, T, input_size] with batch_first, [T, input_size] for one sequence, or packed.
        hx : Tensor, or a pair of them for an LSTM; optional
            Initial states, zeros where absent.
        lengths : Tensor or list of int, optional
            [N]: each row's own length, in any order, at least 1. Beyond it the output is 0; hn and cn are the state
            at the row's own last step. Not with packed input.
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx, lengths)
        name = type(self).__name__
        if input.dim() not in (2, 3):
            raise ValueError(f"{name}: input has {input.dim()} dimensions, expected 2 (one sequence) or 3 (a batch)")
        batched = input.dim() == 3
        states = self._unpack(hx)
        for state in states:
            if state.dim() != input.dim():
                raise RuntimeError(f"{name}: hx has {state.dim()} dimensions, expected {input.dim()}, as input has")
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
            states = [state.unsqueeze(1) for state in states]
        if lengths is not None:
            if not isinstance(lengths, Tensor):
                lengths = torch.tensor(lengths, dtype=torch.int64)
            lengths = lengths.reshape(-1).cpu()
        output, states = self._call(input, states, lengths, None, input.size(batch_dim))
        if not batched:
            output = output.squeeze(batch_dim)
            states = [state.squeeze(1) for state in states]
        return output, self._pack(states)

    def _forward_packed(self, input, hx, lengths):  # type: ignore[no-untyped-def]
        if lengths is not None:
            raise ValueError(f"{type(self).__name__}: lengths is given, expected None: a PackedSequence has its own")
        data, batch_sizes, sorted_indices, unsorted_indices = input
        states = self._unpack(hx)
        rows = states[0].size(1) if states and states[0].dim() == 3 else packed_rows(input)
        if sorted_indices is not None:
            self._check_states(states, rows)
            if rows != sorted_indices.size(0):
                raise RuntimeError(f"hx has {rows} rows, expected {sorted_indices.size(0)}, those of the sequence")
            states = [state.index_select(1, sorted_indices) for state in states]
        output, states = self._call(data, states, None, batch_sizes, rows)
        if unsorted_indices is not None:
            states = [state.index_select(1, unsorted_indices) for state in states]
        return PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices), self._pack(states)

    def _unpack(self, hx: Any) -> list[Tensor]:
        if hx is None:
            return []
        if self._states == 1:
            return [hx]
        return [hx[0], hx[1]]

    def _pack(self, states: list[Tensor]) -> Any:
        return states[0] if self._states == 1 else (states[0], states[1])

    def _check_states(self, states: list[Tensor], rows: int) -> None:
        stacked = self.num_layers * (2 if self.bidirectional else 1)
        widths = (self.proj_size or self.hidden_size, self.hidden_size)
        for index, state in enumerate(states):
            expected = (stacked, rows, widths[index])
            if state.dim() != 3 or state.size(0) != stacked or state.size(1) != rows or state.size(2) != widths[index]:
                raise RuntimeError(f"hx[{index}] is {list(state.shape)}, expected {list(expected)}")

    def _call(self, input, states, lengths, batch_sizes, rows):  # type: ignore[no-untyped-def]
        """The operator, after what torch.nn refuses by a type of its own."""
        params = [getattr(self, name) for name in self._flat_weights_names]
        dtype = autocast_dtype(input)
        if dtype is None and input.dtype != params[0].dtype:
            raise ValueError(f"input is {input.dtype}, expected {params[0].dtype}, the type of the weights")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"input.size(-1) is {input.size(-1)}, expected {self.input_size}, the input_size")
        self._check_states(states, rows)
        check_devices(input, states, params)
        # torch.nn's GRU on the CPU mixes its states in their own type under autocast, and gives that back.
        result = states[0].dtype if states else input.dtype
        if dtype is not None:
            input = cast(input, dtype)
            states = [cast(state, dtype) for state in states]
            params = [cast(param, dtype) for param in params]
        dropout = self.dropout if self.training and self.num_layers > 1 else 0.0
        h0 = states[0] if states else None
        c0 = states[1] if len(states) > 1 else None
        y, hn, cn, _ = forward_operator(
            input,
            h0,
            c0,
            params,
            lengths,
            batch_sizes,
            rows,
            draw_seed(input) if dropout > 0 else None,
            self._network(dropout) + cuda_options(input),
            dropout > 0 or differentiates([input, h0, c0, *params]),
        )
        if dtype is not None and self.mode == "GRU" and input.device.type == "cpu":
            y, hn = y.to(result), hn.to(result)
        return y, [hn] if self._states == 1 else [hn, cn]

    def _network(self, dropout: float) -> str:
        return (
            f"{self.mode.lower()} input_size={self.input_size} hidden_size={self.hidden_size} "
            f"proj_size={self.proj_size} num_layers={self.num_layers} bias={int(self.bias)} "
            f"bidirectional={int(self.bidirectional)} batch_first={int(self.batch_first)} dropout={dropout}"
        )

    def flatten_parameters(self) -> None:
        """Changes nothing a caller can see: parameters are used where they lie. Drops what was packed of them."""
        forget(self.__dict__.get("_flat_weights", ()))

    def train(self, mode: bool = True):  # type: ignore[no-untyped-def]
        """torch.nn.Module.train; drops the packed parameters, so that writes through `.data` before it are seen."""
        self.flatten_parameters()
        return super().train(mode)


def _refuse_projection(kwargs: dict[str, Any]) -> None:
    if "proj_size" in kwargs:
        raise ValueError(f"proj_size is {kwargs['proj_size']}, expected none: only LSTM has a projection")


class RNN(_Layers):
    """torch.nn.RNN, computed by rondo: see torch.nn.RNN for the arguments."""

    __module__ = "rondo.torch"

    def __init__(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        _refuse_projection(kwargs)
        if len(args) > 3:
            self.nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity is {self.nonlinearity!r}, expected 'tanh' or 'relu'")
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)


class LSTM(_Layers):
    """torch.nn.LSTM, computed by rondo: see torch.nn.LSTM for the arguments."""

    __module__ = "rondo.torch"
    _states = 2

    def __init__(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        super().__init__("LSTM", *args, **kwargs)


class GRU(_Layers):
    """torch.nn.GRU, computed by rondo: see torch.nn.GRU for the arguments."""

    __module__ = "rondo.torch"

    def __init__(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)
