"""RNN, LSTM, GRU and their cells for NumPy arrays, with torch.nn's constructors, shapes and names.

x and what a call returned must not be changed before backward, which reads them where they are."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ._arrays import integers, invalid
from ._base import Module, Problem
from ._packed import PackedSequence
from ._plans import FULL, LENGTHS, PACKED, plan_for

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNCell"]


def _rnn(nonlinearity: str) -> str:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity is {nonlinearity!r}, expected 'tanh' or 'relu'")
    return "rnn_" + nonlinearity


class _Layers(Module):
    num_layers: int
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(self, dropout: Any, num_layers: Any, device: Any, dtype: Any, **attributes: Any) -> None:
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)):
            raise ValueError(f"dropout is {dropout!r}, expected a number from 0 to 1")
        super().__init__(device, dtype, dropout=float(dropout), num_layers=num_layers, **attributes)
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"dropout is {dropout}, but it acts after all layers but the last, and num_layers is 1", stacklevel=3
            )

    def __repr__(self) -> str:
        spec = self._spec
        text = f"{type(self).__name__}({spec.input_size}, {spec.hidden_size}"
        for name, default in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            if getattr(spec, name) != default:
                text += f", {name}={getattr(spec, name)}"
        return text + ")"

    def __call__(self, x: Any, hx: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """(y, hn), for an LSTM (y, (hn, cn)), of x [T, N, I], [N, T, I] with batch_first, [T, I] or a PackedSequence.

        hx: h0 [L*D, N, O], for an LSTM (h0, c0); zeros where it is None. lengths [N]: each row's steps, in any order."""
        if type(x) is not self._ready or x.dtype is not self._dtype or not x.flags.carray:
            if isinstance(x, PackedSequence):
                return self._call_packed(x, hx, lengths)
            x = self._take("x", x, self._dtype)
        sequence = None
        if lengths is None:
            problem = self._problems[self.training].get(x.shape)
            if problem is None:
                problem = self._problem(x.shape)
        else:
            problem, sequence = self._with_lengths(x.shape, lengths)
        y, hn, cn = self._run(problem, x, hx, sequence)
        return y, hn if cn is None else (hn, cn)

    def _full_problem(self, shape: tuple) -> Problem:
        return self._padded_problem(shape, FULL, 0)

    def _sizes(self, shape: tuple) -> tuple[int, int]:
        """T and N of a padded x."""
        spec = self._spec
        if len(shape) not in (2, 3):
            raise invalid(f"x has shape {shape}, expected {'(N, T, I)' if spec.batch_first else '(T, N, I)'} or (T, I)")
        if shape[-1] != spec.input_size:
            raise invalid(f"x has shape {shape}, expected {spec.input_size} as its last size, the input_size")
        if len(shape) == 2:
            return shape[0], 1
        return (shape[1], shape[0]) if spec.batch_first else (shape[0], shape[1])

    def _padded_problem(self, shape: tuple, sequence: int, S: int) -> Problem:
        T, N = self._sizes(shape)
        plan = plan_for(self._spec, self._mode(), sequence, T, N, S)
        rows = (N,) if len(shape) == 3 else ()
        return Problem(
            plan, T, N, 0, (*shape[:-1], self._spec.directions * self._spec.output_size), *self._states_of(rows)
        )

    def _states_of(self, rows: tuple) -> tuple[tuple, tuple]:
        """The shapes of h and c."""
        spec = self._spec
        runs = spec.num_layers * spec.directions
        return (runs, *rows, spec.output_size), (runs, *rows, spec.hidden_size)

    def _with_lengths(self, shape: tuple, lengths: Any) -> tuple[Problem, dict[str, Any]]:
        array = integers("lengths", lengths)
        T, N = self._sizes(shape)
        if array.ndim == 0 and len(shape) == 2:
            array = array.reshape(1)
        if array.shape != (N,):
            raise invalid(f"lengths has shape {array.shape}, expected {(N,)}, an entry per row")
        valid = min(max(int(array.sum()), 0), T * N)  # of lengths out of bounds the library tells
        problem = self._padded_problem(shape, LENGTHS, valid)
        # Copies, here and of what a packing has: the library reads them while other threads of Python run.
        return problem, {"lengths32" if array.dtype == np.int32 else "lengths": array.copy()}

    def _call_packed(self, x: PackedSequence, hx: Any, lengths: Any) -> tuple[Any, Any]:
        if lengths is not None:
            raise invalid("lengths is given, expected None: x is a PackedSequence, which has its own")
        data = self._take("x.data", x.data, self._dtype)
        spec = self._spec
        S = int(x.batch_sizes.sum())
        if data.shape != (S, spec.input_size):
            raise invalid(f"x.data has shape {data.shape}, expected {(S, spec.input_size)}")
        T, N = len(x.batch_sizes), x.rows
        plan = plan_for(spec, self._mode(), PACKED, T, N, S)
        problem = Problem(plan, T, N, S, (S, spec.directions * spec.output_size), *self._states_of((N,)))
        sequence = {"batch_sizes": x.batch_sizes.copy()}
        if x.sorted_indices is not None:
            sequence["sorted_indices"] = x.sorted_indices.copy()
        y, hn, cn = self._run(problem, data, hx, sequence)
        if self._thread.saved is not None:
            self._thread.saved.packing = x
        return x.with_data(y), hn if cn is None else (hn, cn)

    def backward(self, dy: Any, dhn: Any = None) -> tuple[Any, Any, dict[str, Any]]:
        """(dx, dh0 or (dh0, dc0), gradients by parameter name) of this thread's last call in train() mode.

        dy and dhn (an LSTM: (dhn, dcn)) are the gradients of what the call returned; None: zeros. It may run again."""
        saved = self._saved()
        problem = saved.problem
        if isinstance(dy, PackedSequence):
            dy = dy.data
        dy = None if dy is None else self._state("dy", dy, problem.y_shape, self._dtype)
        dx, dh0, gradients = self._gradients(saved, dy, *self._states(("dhn", "dcn"), dhn, problem))
        return dx if saved.packing is None else saved.packing.with_data(dx), dh0, gradients


class RNN(_Layers):
    """As torch.nn.RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu. Further attributes of the library by name."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: str | None = None,
        dtype: Any = None,
        **attributes: Any,
    ) -> None:
        super().__init__(
            dropout,
            num_layers,
            device,
            dtype,
            cell=_rnn(nonlinearity),
            input_size=input_size,
            hidden_size=hidden_size,
            bias=bias,
            batch_first=batch_first,
            bidirectional=bidirectional,
            **attributes,
        )
        self.nonlinearity = nonlinearity


class LSTM(_Layers):
    """As torch.nn.LSTM. Further attributes of the library by name."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: str | None = None,
        dtype: Any = None,
        **attributes: Any,
    ) -> None:
        super().__init__(
            dropout,
            num_layers,
            device,
            dtype,
            cell="lstm",
            input_size=input_size,
            hidden_size=hidden_size,
            bias=bias,
            batch_first=batch_first,
            bidirectional=bidirectional,
            proj_size=proj_size,
            **attributes,
        )


class GRU(_Layers):
    """As torch.nn.GRU: the reset gate acts after the product. Further attributes of the library by name."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: str | None = None,
        dtype: Any = None,
        **attributes: Any,
    ) -> None:
        super().__init__(
            dropout,
            num_layers,
            device,
            dtype,
            cell="gru",
            input_size=input_size,
            hidden_size=hidden_size,
            bias=bias,
            batch_first=batch_first,
            bidirectional=bidirectional,
            **attributes,
        )


class _Cell(Module):
    def __init__(
        self, cell: str, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any, **attributes: Any
    ) -> None:
        super().__init__(
            device,
            dtype,
            cell=cell,
            input_size=input_size,
            hidden_size=hidden_size,
            bias=bias,
            single_cell=True,
            **attributes,
        )

    def __repr__(self) -> str:
        text = f"{type(self).__name__}({self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += ", bias=False"
        if self._spec.cell == "rnn_relu":
            text += ", nonlinearity=relu"
        return text + ")"

    def __call__(self, x: Any, hx: Any = None) -> Any:
        """h', for an LSTMCell (h', c'), of x [N, I] or [I] and hx: h [N, H] or [H], for an LSTMCell (h, c); None: zeros."""
        if type(x) is not self._ready or x.dtype is not self._dtype or not x.flags.carray:
            x = self._take("x", x, self._dtype)
        problem = self._problems[self.training].get(x.shape)
        if problem is None:
            problem = self._problem(x.shape)
        _, h, c = self._run(problem, x, hx, None)
        return h if c is None else (h, c)

    def _full_problem(self, shape: tuple) -> Problem:
        spec = self._spec
        if len(shape) not in (1, 2):
            raise invalid(f"x has shape {shape}, expected (N, I) or (I,)")
        if shape[-1] != spec.input_size:
            raise invalid(f"x has shape {shape}, expected {spec.input_size} as its last size, the input_size")
        N = shape[0] if len(shape) == 2 else 1
        state = (*shape[:-1], spec.hidden_size)
        return Problem(plan_for(spec, self._mode(), FULL, 1, N), 1, N, 0, None, state, state)

    def backward(self, dh: Any) -> tuple[Any, Any, dict[str, Any]]:
        """(dx, dh0 or (dh0, dc0), gradients by parameter name) of this thread's last call in train() mode.

        dh, for an LSTMCell (dh, dc), is the gradient of what the call returned; None: zeros. It may run again."""
        saved = self._saved()
        return self._gradients(saved, None, *self._states(("dh", "dc"), dh, saved.problem))


class RNNCell(_Cell):
    """As torch.nn.RNNCell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: str | None = None,
        dtype: Any = None,
        **attributes: Any,
    ) -> None:
        super().__init__(_rnn(nonlinearity), input_size, hidden_size, bias, device, dtype, **attributes)
        self.nonlinearity = nonlinearity


class LSTMCell(_Cell):
    """As torch.nn.LSTMCell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
        **attributes: Any,
    ) -> None:
        super().__init__("lstm", input_size, hidden_size, bias, device, dtype, **attributes)


class GRUCell(_Cell):
    """As torch.nn.GRUCell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
        **attributes: Any,
    ) -> None:
        super().__init__("gru", input_size, hidden_size, bias, device, dtype, **attributes)
