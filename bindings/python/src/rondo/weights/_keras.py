"""The weights of keras.layers.SimpleRNN, GRU and LSTM, or of a Bidirectional around one, as get_weights() lists them.
Kernels are transposed there, [in, G*H]; SimpleRNN and LSTM have one bias, a GRU that resets after the product two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from ._state import TORCH_ORDER, Direction, array, expect, gates_of, named, one_layer, reordered

_ORDER = {1: "h", 3: "zrn", 4: "ifgo"}


def from_keras(
    weights: Sequence[Any],
    *,
    reset_after: bool = True,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    merge_mode: str = "concat",
    go_backwards: bool = False,
    layer: Optional[int] = 0,
) -> Dict[str, np.ndarray]:
    """Convert the weights of one Keras layer to a state_dict with torch's names.

    Parameters
    ----------
    weights : sequence of array_like
        What the layer's ``get_weights()`` gives: kernel [in, G*H], recurrent_kernel [H, G*H] and, with biases, bias
        (RNN and LSTM [G*H], GRU [2, 3*H]); of a Bidirectional these of the forward layer, then of the backward one.
    reset_after, activation, recurrent_activation, merge_mode, go_backwards
        The layer's arguments of these names, with Keras's defaults. A value with which it computes something else than
        torch is refused.
    layer : int or None, optional
        The layer's number in the names; None gives the names of a single cell.

    Returns
    -------
    dict of str to numpy.ndarray
        Copies. The one bias of SimpleRNN and LSTM becomes bias_ih, and bias_hh is zero.

    Raises
    ------
    ValueError
        Where a shape does not fit, or the layer computes something else.
    TypeError
        Where an array is not of a floating-point type.
    """
    count = len(weights)
    if count not in (2, 3, 4, 6):
        raise ValueError(f"weights has {count} arrays, expected 2 or 3, or of a Bidirectional layer 4 or 6")
    expect("merge_mode", merge_mode, ("concat",), "torch's directions lie side by side")
    expect("go_backwards", go_backwards, (False,), "torch has no layer in reverse alone")
    per_direction = count if count < 4 else count // 2
    row = []
    for at in range(0, count, per_direction):
        recurrent = array(f"weights[{at + 1}]", weights[at + 1], None, None)
        hidden, columns = recurrent.shape
        gates = gates_of(f"weights[{at + 1}], transposed,", columns, hidden)
        _check(gates, reset_after, activation, recurrent_activation)
        before, after = _ORDER[gates], TORCH_ORDER[gates]
        kernel = array(f"weights[{at}]", weights[at], None, columns)
        one = Direction(reordered(kernel.T, before, after), reordered(recurrent.T, before, after))
        if per_direction == 3:
            shape = (2, columns) if gates == 3 else (columns,)
            bias = array(f"weights[{at + 2}]", weights[at + 2], *shape)
            bias_ih, bias_hh = bias if gates == 3 else (bias, np.zeros_like(bias))
            one = one._replace(bias_ih=reordered(bias_ih, before, after), bias_hh=reordered(bias_hh, before, after))
        row.append(one)
    if any(a.shape != b.shape for a, b in zip(row[0][:2], row[-1][:2])):
        raise ValueError("weights has directions of different sizes, expected the same size in both")
    return named([row], layer)


def to_keras(state_dict: Mapping[str, Any], *, layer: Optional[int] = 0) -> List[np.ndarray]:
    """Convert one layer of a state_dict to what a Keras layer's ``set_weights()`` takes.

    Parameters
    ----------
    state_dict : mapping of str to array_like
        torch's names, of RNN, GRU or LSTM without projection, or of a single cell.
    layer : int or None, optional
        Which layer.

    Returns
    -------
    list of numpy.ndarray
        For SimpleRNN (with ``activation="relu"`` for a relu RNN), GRU or LSTM; with two directions, for a
        Bidirectional around one. Where the state_dict has no biases the layer needs ``use_bias=False``.

    Notes
    -----
    One bias holds the sum of torch's two in SimpleRNN and LSTM, whose equations only use the sum.
    """
    result = []
    for one in one_layer(state_dict, layer, "Keras"):
        before, after = TORCH_ORDER[one.gates], _ORDER[one.gates]
        result += [np.ascontiguousarray(reordered(value, before, after).T) for value in (one.weight_ih, one.weight_hh)]
        if one.gates == 3 and one.bias_ih is not None:
            result.append(np.stack([reordered(value, before, after) for value in (one.bias_ih, one.bias_hh)]))
        elif one.bias_ih is not None:
            result.append(reordered(one.one_bias(), before, after))
    return result


def _check(gates: int, reset_after: bool, activation: str, recurrent_activation: str) -> None:
    expect("activation", activation, ("tanh", "relu") if gates == 1 else ("tanh",), "the activation of torch's cell")
    if gates > 1:
        expect("recurrent_activation", recurrent_activation, ("sigmoid",), "the activation of torch's gates")
    if gates == 3:
        why = "otherwise this GRU resets before the product, which no cell of rondo does"
        expect("reset_after", reset_after, (True,), why)
