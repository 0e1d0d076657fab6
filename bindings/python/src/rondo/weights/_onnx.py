"""The tensors W, R and B of the ONNX operators RNN, GRU and LSTM: one node is one layer, in one direction or both.
Gates lie there as i, o, f, c (LSTM) and z, r, h (GRU); a GRU's reset comes first unless its node says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np

from ._state import CELLS, TORCH_ORDER, Direction, array, expect, gates_of, named, one_layer, reordered

_ORDER = {1: "h", 3: "zrn", 4: "iofg"}
_ACTIVATIONS = {1: (["Tanh"], ["Relu"]), 3: (["Sigmoid", "Tanh"],), 4: (["Sigmoid", "Tanh", "Tanh"],)}


def from_onnx(
    W: Any,
    R: Any,
    B: Any = None,
    P: Any = None,
    *,
    linear_before_reset: int = 0,
    direction: Optional[str] = None,
    activations: Optional[Sequence[str]] = None,
    clip: Optional[float] = None,
    input_forget: int = 0,
    layer: Optional[int] = 0,
) -> Dict[str, np.ndarray]:
    """Convert the weights of one ONNX node to a state_dict with torch's names.

    Parameters
    ----------
    W : array_like, shape (D, G*H, I)
        Input weights of each direction.
    R : array_like, shape (D, G*H, H)
        Recurrent weights. G, and with it the cell, follows from this shape.
    B : array_like, shape (D, 2*G*H), optional
        Input biases, then recurrent biases.
    P : array_like, optional
        Peepholes; refused, because no cell here has them.
    linear_before_reset, direction, activations, clip, input_forget
        The node's attributes of these names, with ONNX's defaults. A value with which the node computes something
        else than torch is refused: so is a GRU unless `linear_before_reset` is 1.
    layer : int or None, optional
        The layer's number in the names; None gives the names of a single cell. The dicts of a stack of nodes are
        merged with ``|`` or ``update``.

    Returns
    -------
    dict of str to numpy.ndarray
        Copies. Without `B` there are no biases.

    Raises
    ------
    ValueError
        Where a shape does not fit, or the node computes something else.
    TypeError
        Where an array is not of a floating-point type.
    """
    recurrent = array("R", R, None, None, None)
    directions, rows, hidden = recurrent.shape
    gates = gates_of("R", rows, hidden)
    if directions not in (1, 2):
        raise ValueError(f"R has {directions} directions, expected 1 or 2")
    if P is not None:
        raise ValueError("P is given, expected None: no cell of rondo has peepholes")
    if gates == 3:
        why = "with 0, ONNX's default, this GRU resets before the product, which no cell of rondo does"
        expect("linear_before_reset", linear_before_reset, (1,), why)
    if direction is not None:
        known_direction = ("forward", "bidirectional")[directions - 1]
        expect("direction", direction, (known_direction,), "as many as R has, and none in reverse alone")
    if activations is not None:
        known = [one * directions for one in _ACTIVATIONS[gates]]
        expect("activations", list(activations), known, f"those of torch's {CELLS[gates]}")
    expect("clip", clip, (None,), "no cell of rondo clips")
    expect("input_forget", input_forget, (0,), "no cell of rondo couples these gates")
    inputs = array("W", W, directions, rows, None)
    biases = None if B is None else array("B", B, directions, 2 * rows)
    before, after = _ORDER[gates], TORCH_ORDER[gates]
    row = []
    for at in range(directions):
        one = Direction(reordered(inputs[at], before, after), reordered(recurrent[at], before, after))
        if biases is not None:
            one = one._replace(
                bias_ih=reordered(biases[at, :rows], before, after), bias_hh=reordered(biases[at, rows:], before, after)
            )
        row.append(one)
    return named([row], layer)


def to_onnx(
    state_dict: Mapping[str, Any], *, layer: Optional[int] = 0
) -> Tuple[np.ndarray, np.ndarray, Optional[np.ndarray]]:
    """Convert one layer of a state_dict to the tensors of one ONNX node.

    Parameters
    ----------
    state_dict : mapping of str to array_like
        torch's names, of RNN, GRU or LSTM without projection, or of a single cell.
    layer : int or None, optional
        Which layer.

    Returns
    -------
    W : numpy.ndarray, shape (D, G*H, I)
    R : numpy.ndarray, shape (D, G*H, H)
    B : numpy.ndarray, shape (D, 2*G*H), or None
        None where the state_dict has no biases.

    Notes
    -----
    A GRU's node needs the attribute ``linear_before_reset=1``, a relu RNN's ``activations=["Relu"]``, and one of two
    directions ``direction="bidirectional"``.
    """
    row = one_layer(state_dict, layer, "ONNX")
    before, after = TORCH_ORDER[row[0].gates], _ORDER[row[0].gates]

    def stacked(kind: str) -> np.ndarray:
        return np.stack([reordered(getattr(one, kind), before, after) for one in row])

    biases = None
    if row[0].bias_ih is not None:
        biases = np.concatenate([stacked("bias_ih"), stacked("bias_hh")], axis=1)
    return stacked("weight_ih"), stacked("weight_hh"), biases
