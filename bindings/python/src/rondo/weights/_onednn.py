"""The plain weights of oneDNN's vanilla_rnn, vanilla_lstm and lbr_gru: ldigo, ldgo and, of a projection, ldio.
An array holds all layers of a primitive, whose inputs are therefore of one width; one bias, f32 in 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, NamedTuple, Optional

import numpy as np

from ._state import TORCH_ORDER, Direction, array, expect, named, reordered, taken_apart

_KINDS = {"vanilla_rnn": 1, "lbr_gru": 3, "vanilla_lstm": 4}
_ORDER = {1: "h", 3: "zrn", 4: "ifgo"}


class OneDNN(NamedTuple):
    """What `to_onednn` gives, in the order of `from_onednn`'s arguments."""

    alg_kind: str
    weights_layer: np.ndarray
    weights_iter: np.ndarray
    bias: Optional[np.ndarray]
    weights_projection: Optional[np.ndarray]


def from_onednn(
    alg_kind: str,
    weights_layer: Any,
    weights_iter: Any,
    bias: Any = None,
    weights_projection: Any = None,
    *,
    weights_peephole: Any = None,
    direction: Optional[str] = None,
    layer: Optional[int] = 0,
) -> Dict[str, np.ndarray]:
    """Convert the weights of one oneDNN primitive to a state_dict with torch's names.

    Parameters
    ----------
    alg_kind : str
        ``"vanilla_rnn"``, ``"vanilla_lstm"`` or ``"lbr_gru"``. A ``"vanilla_gru"`` resets before the product and is
        refused.
    weights_layer : array_like, shape (L, D, in, G, H)
        Plain, as the format ldigo has it; gates lie as i, f, c, o (LSTM) and u, r, o (GRU).
    weights_iter : array_like, shape (L, D, O, G, H)
    bias : array_like, shape (L, D, G, H), of lbr_gru (L, D, 4, H), optional
        The fourth of lbr_gru is its recurrent bias of the new state's gate.
    weights_projection : array_like, shape (L, D, H, P), optional
        vanilla_lstm only.
    weights_peephole : array_like, optional
        Refused, because no cell here has peepholes.
    direction : str, optional
        The primitive's ``rnn_direction``; ``"unidirectional_left2right"`` and ``"bidirectional_concat"`` exist here.
    layer : int or None, optional
        The first layer's number in the names; None gives the names of a single cell.

    Returns
    -------
    dict of str to numpy.ndarray
        Copies, of the weights' dtype. The one bias becomes bias_ih, and bias_hh is zero but for the fourth of lbr_gru.

    Raises
    ------
    ValueError
        Where a shape does not fit, or the primitive computes something else.
    TypeError
        Where an array is not of a floating-point type.
    """
    why = "no cell of rondo computes what others do; vanilla_gru resets before the product"
    expect("alg_kind", alg_kind, tuple(_KINDS), why)
    gates = _KINDS[alg_kind]
    if weights_peephole is not None:
        raise ValueError("weights_peephole is given, expected None: no cell of rondo has peepholes")
    recurrent = array("weights_iter", weights_iter, None, None, None, gates, None)
    layers, directions, outputs, _, hidden = recurrent.shape
    if directions not in (1, 2):
        raise ValueError(f"weights_iter has {directions} directions, expected 1 or 2")
    if direction is not None:
        known = ("unidirectional_left2right", "bidirectional_concat")[directions - 1]
        expect("direction", direction, (known,), "the one of torch with as many directions as weights_iter")
    if weights_projection is None:
        array("weights_iter", recurrent, layers, directions, hidden, gates, hidden)
    else:
        expect("alg_kind", alg_kind, ("vanilla_lstm",), "only an LSTM has a projection")
        weights_projection = array("weights_projection", weights_projection, layers, directions, hidden, outputs)
    width = None if layers == 1 else directions * outputs
    inputs = array("weights_layer", weights_layer, layers, directions, width, gates, hidden)
    if bias is not None:
        bias = array("bias", bias, layers, directions, gates + (gates == 3), hidden).astype(recurrent.dtype)

    def one(at: int, way: int) -> Direction:
        before, after = _ORDER[gates], TORCH_ORDER[gates]
        result = Direction(
            *(
                reordered(value[at, way].reshape(-1, gates * hidden).T, before, after)
                for value in (inputs, recurrent)
            )
        )
        if bias is not None:
            second = np.zeros_like(bias[at, way, :gates])
            if gates == 3:
                second[2] = bias[at, way, 3]
            both = (reordered(value.ravel(), before, after) for value in (bias[at, way, :gates], second))
            result = result._replace(bias_ih=next(both), bias_hh=next(both))
        return result if weights_projection is None else result._replace(weight_hr=weights_projection[at, way].T)

    return named([[one(at, way) for way in range(directions)] for at in range(layers)], layer)


def to_onednn(state_dict: Mapping[str, Any], *, layer: Optional[int] = None) -> OneDNN:
    """Convert a state_dict to the plain weights of one oneDNN primitive.

    Parameters
    ----------
    state_dict : mapping of str to array_like
        torch's names, of RNN, GRU or LSTM with or without projection, or of a single cell.
    layer : int or None, optional
        Which layer; None takes all, whose inputs must then be of one width.

    Returns
    -------
    OneDNN
        Named tuple of ``alg_kind``, ``weights_layer`` (ldigo), ``weights_iter`` (ldigo), ``bias`` (ldgo, or None) and
        ``weights_projection`` (ldio, or None). A bias of 16-bit weights is f32, as oneDNN wants it.

    Notes
    -----
    One bias holds the sum of torch's two, which is all that the equations use of them; only the new state's gate of a
    GRU needs both, and lbr_gru has a fourth bias for it.
    """
    layers = taken_apart(state_dict)
    if layer is not None:
        if not 0 <= layer < len(layers):
            raise ValueError(f"layer is {layer}, expected 0 to {len(layers) - 1}, or None for all")
        layers = [layers[layer]]
    first = layers[0][0]
    for at, row in enumerate(layers):
        if row[0].weight_ih.shape != first.weight_ih.shape:
            raise ValueError(
                f"state_dict['weight_ih_l{at}'] takes {row[0].weight_ih.shape[1]} features and layer 0 "
                f"{first.weight_ih.shape[1]}, expected one width where layer is None; convert layer by layer"
            )
    gates = first.gates

    def stacked(convert: Any) -> np.ndarray:
        return np.ascontiguousarray([[convert(one) for one in row] for row in layers])

    def weights(kind: str) -> np.ndarray:
        def convert(one: Direction) -> np.ndarray:
            ordered = reordered(getattr(one, kind), TORCH_ORDER[gates], _ORDER[gates])
            return ordered.T.reshape(ordered.shape[1], gates, -1)

        return stacked(convert)

    return OneDNN(
        next(kind for kind, count in _KINDS.items() if count == gates),
        weights("weight_ih"),
        weights("weight_hh"),
        None if first.bias_ih is None else stacked(_bias),
        None if first.weight_hr is None else stacked(lambda one: one.weight_hr.T),
    )


def _bias(one: Direction) -> np.ndarray:
    """The bias of one direction, [G, H] or of a GRU [4, H], in f32 at least."""
    wide = np.promote_types(np.float32, one.weight_hh.dtype)

    def split(value: Any) -> np.ndarray:
        return reordered(value.astype(wide), TORCH_ORDER[one.gates], _ORDER[one.gates]).reshape(one.gates, -1)

    first, second = split(one.bias_ih), split(one.bias_hh)
    if one.gates != 3:
        return first + second
    return np.concatenate([first[:2] + second[:2], first[2:], second[2:]])
