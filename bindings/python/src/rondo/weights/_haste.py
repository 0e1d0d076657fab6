"""The weights of haste_pytorch.LSTM and GRU, by the names of their own state_dict: one layer in one direction.
Kernels are transposed there, [in, G*H], with gates i, g, f, o (LSTM, one bias) and z, r, h (GRU, two biases)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, Optional

import numpy as np

from ._state import TORCH_ORDER, Direction, array, expect, gates_of, named, one_layer, reordered

_ORDER = {3: "zrn", 4: "igfo"}
_NAMES = {3: ("kernel", "recurrent_kernel", "bias", "recurrent_bias"), 4: ("kernel", "recurrent_kernel", "bias")}


def from_haste(
    weights: Mapping[str, Any], *, zoneout: float = 0.0, layer: Optional[int] = 0, reverse: bool = False
) -> Dict[str, np.ndarray]:
    """Convert the weights of one Haste layer to a state_dict with torch's names.

    Parameters
    ----------
    weights : mapping of str to array_like
        ``kernel`` [in, G*H], ``recurrent_kernel`` [H, G*H], ``bias`` [G*H] and, of a GRU, ``recurrent_bias`` [3*H], as
        the layer's ``state_dict()`` has them.
    zoneout : float, optional
        The layer's rate, which must be 0: Haste applies it in inference too.
    layer : int or None, optional
        The layer's number in the names; None gives the names of a single cell.
    reverse : bool, optional
        Whether the layer serves as the reverse direction.

    Returns
    -------
    dict of str to numpy.ndarray
        Copies. The one bias of an LSTM becomes bias_ih, and bias_hh is zero.

    Raises
    ------
    ValueError
        Where a name or shape does not fit, or the layer computes something else.
    TypeError
        Where an array is not of a floating-point type.
    """
    if not isinstance(weights, Mapping):
        raise TypeError(f"weights is a {type(weights).__name__}, expected a mapping of names to arrays")
    if reverse and layer is None:
        raise ValueError("reverse is True, expected False where layer is None: a single cell has one direction")
    expect("zoneout", zoneout, (0,), "no cell of rondo has zoneout")
    if set(weights) not in [set(names) for names in _NAMES.values()]:
        raise ValueError(
            f"weights has the names {sorted(map(str, weights))}, expected {list(_NAMES[4])} (LSTM) or those and "
            "'recurrent_bias' (GRU)"
        )
    wanted = 3 if "recurrent_bias" in weights else 4
    recurrent = array("weights['recurrent_kernel']", weights["recurrent_kernel"], None, None)
    hidden, columns = recurrent.shape
    gates = gates_of("weights['recurrent_kernel'], transposed,", columns, hidden)
    if gates != wanted:
        shapes = f"{[hidden, columns]}, expected {[hidden, wanted * hidden]} with these names"
        raise ValueError(f"weights['recurrent_kernel'] has shape {shapes}")
    before, after = _ORDER[gates], TORCH_ORDER[gates]
    kernel = array("weights['kernel']", weights["kernel"], None, columns)
    bias = array("weights['bias']", weights["bias"], columns)
    other = np.zeros_like(bias)
    if gates == 3:
        other = array("weights['recurrent_bias']", weights["recurrent_bias"], columns)
    one = Direction(
        reordered(kernel.T, before, after),
        reordered(recurrent.T, before, after),
        reordered(bias, before, after),
        reordered(other, before, after),
    )
    result = named([[one]], layer)
    return {name + "_reverse": value for name, value in result.items()} if reverse else result


def to_haste(
    state_dict: Mapping[str, Any], *, layer: Optional[int] = 0, reverse: bool = False
) -> Dict[str, np.ndarray]:
    """Convert one direction of one layer of a state_dict to the weights of a Haste layer.

    Parameters
    ----------
    state_dict : mapping of str to array_like
        torch's names, of GRU or LSTM without projection, or of a single cell.
    layer : int or None, optional
        Which layer.
    reverse : bool, optional
        Which direction; a Haste layer is one.

    Returns
    -------
    dict of str to numpy.ndarray
        For the layer's ``load_state_dict``, as tensors. Biases are zero where the state_dict has none.

    Notes
    -----
    The one bias of Haste's LSTM holds the sum of torch's two, whose equations only use the sum.
    """
    row = one_layer(state_dict, layer, "Haste")
    if reverse and len(row) == 1:
        raise ValueError("reverse is True, expected False: the state_dict has one direction")
    one = row[int(bool(reverse))]
    if one.gates == 1:
        raise ValueError("state_dict is that of an RNN, expected LSTM or GRU: Haste has no plain RNN")
    before, after = TORCH_ORDER[one.gates], _ORDER[one.gates]
    if one.bias_ih is None:
        zeros = np.zeros_like(one.weight_hh[:, 0])
        one = one._replace(bias_ih=zeros, bias_hh=zeros)
    biases = (one.bias_ih, one.bias_hh) if one.gates == 3 else (one.one_bias(),)
    values = [np.ascontiguousarray(reordered(value, before, after).T) for value in (one.weight_ih, one.weight_hh)]
    values += [reordered(value, before, after) for value in biases]
    return dict(zip(_NAMES[one.gates], values))
