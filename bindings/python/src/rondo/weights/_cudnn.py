"""The matrices and biases that cudnnGetRNNWeightParams finds in cuDNN's weight space, by pseudo-layer and linLayerID.
The weight space itself is opaque: where a matrix lies in it is known to cuDNN alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ._state import Direction, array, named, taken_apart


def from_cudnn(
    matrices: Sequence[Sequence[Any]],
    biases: Optional[Sequence[Sequence[Any]]] = None,
    *,
    bidirectional: bool = False,
) -> Dict[str, np.ndarray]:
    """Convert cuDNN's matrices and biases to a state_dict with torch's names.

    Parameters
    ----------
    matrices : sequence of sequences of array_like
        ``matrices[pseudo_layer][linLayerID]``: of each pseudo-layer G input matrices [H, in], G recurrent ones [H, O],
        and with projection (LSTM, linLayerID 8) one more [P, H]. G is 1 for RNN, 3 for GRU, 4 for LSTM.
    biases : sequence of sequences of array_like or None, optional
        ``biases[pseudo_layer][linLayerID]``: 2*G vectors [H]. None where cuDNN has none, as one half is in its modes
        with a single bias; it counts as zero. Nothing at all is CUDNN_RNN_NO_BIAS.
    bidirectional : bool, optional
        Whether pseudo-layers alternate between forward and reverse.

    Returns
    -------
    dict of str to numpy.ndarray
        Copies.

    Raises
    ------
    ValueError
        Where a number of arrays or a shape does not fit, or the layer takes its input as it is (CUDNN_SKIP_INPUT).
    TypeError
        Where an array is not of a floating-point type.
    """
    directions = 2 if bidirectional else 1
    if len(matrices) == 0 or len(matrices) % directions:
        raise ValueError(f"matrices has {len(matrices)} pseudo-layers, expected 1 or more, {directions} to a layer")
    if biases is not None and len(biases) != len(matrices):
        raise ValueError(f"biases has {len(biases)} pseudo-layers, expected {len(matrices)}, as matrices has")
    row = [
        _direction(at, given, None if biases is None else biases[at], len(matrices[0]))
        for at, given in enumerate(matrices)
    ]
    result = named([row[at : at + directions] for at in range(0, len(row), directions)])
    taken_apart(result)  # the sizes of one layer against those of the next
    return result


def to_cudnn(
    state_dict: Mapping[str, Any],
) -> Tuple[List[List[np.ndarray]], Optional[List[List[np.ndarray]]]]:
    """Convert a state_dict to the matrices and biases of cuDNN's pseudo-layers.

    Parameters
    ----------
    state_dict : mapping of str to array_like
        torch's names, of RNN, GRU or LSTM with or without projection, or of a single cell.

    Returns
    -------
    matrices : list of lists of numpy.ndarray
        ``matrices[pseudo_layer][linLayerID]``, to be copied where cudnnGetRNNWeightParams says.
    biases : list of lists of numpy.ndarray, or None
        ``biases[pseudo_layer][linLayerID]`` for CUDNN_RNN_DOUBLE_BIAS; None for CUDNN_RNN_NO_BIAS.
    """
    row = [one for directions in taken_apart(state_dict) for one in directions]
    matrices, biases = [], []
    for one in row:
        blocks = [block for value in (one.weight_ih, one.weight_hh) for block in np.split(value, one.gates)]
        matrices.append([block.copy() for block in blocks] + ([] if one.weight_hr is None else [one.weight_hr.copy()]))
        if one.bias_ih is not None:
            both = [block for value in (one.bias_ih, one.bias_hh) for block in np.split(value, one.gates)]
            biases.append([block.copy() for block in both])
    return matrices, biases or None


def _direction(at: int, matrices: Sequence[Any], biases: Optional[Sequence[Any]], count: int) -> Direction:
    """One pseudo-layer; its gates lie as torch's, one matrix or vector each."""
    if len(matrices) != count or count not in (2, 6, 8, 9):
        raise ValueError(
            f"matrices[{at}] has {len(matrices)} matrices, expected 2 (RNN), 6 (GRU), 8 (LSTM) or 9 (LSTM with "
            "projection), the same in all pseudo-layers"
        )
    gates = count // 2
    if any(one is None for one in matrices[:gates]):
        raise ValueError(f"matrices[{at}] has no input matrix, expected one: no cell of rondo takes its input as it is")
    recurrent = array(f"matrices[{at}][{gates}]", matrices[gates], None, None)
    hidden, outputs = recurrent.shape
    if count < 9:
        array(f"matrices[{at}][{gates}]", recurrent, hidden, hidden)
    features = array(f"matrices[{at}][0]", matrices[0], hidden, None).shape[1]

    def stacked(first: int, *dims: int) -> np.ndarray:
        blocks = [array(f"matrices[{at}][{k}]", matrices[k], *dims) for k in range(first, first + gates)]
        return np.concatenate(blocks)

    one = Direction(stacked(0, hidden, features), stacked(gates, hidden, outputs))
    if count == 9:
        one = one._replace(weight_hr=array(f"matrices[{at}][8]", matrices[8], outputs, hidden))
    if biases is None:
        return one
    if len(biases) != 2 * gates:
        raise ValueError(f"biases[{at}] has {len(biases)} vectors, expected {2 * gates}, None where cuDNN has none")
    zeros = np.zeros_like(recurrent[:, 0])
    both = [
        zeros if value is None else array(f"biases[{at}][{k}]", value, hidden) for k, value in enumerate(biases)
    ]
    return one._replace(bias_ih=np.concatenate(both[:gates]), bias_hh=np.concatenate(both[gates:]))
