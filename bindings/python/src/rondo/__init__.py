"""rondo: recurrent networks (RNN, LSTM, GRU and their cells) for NumPy arrays, forward and backward.

Modules take torch.nn's arguments and have its names and shapes. `rondo.torch` and `rondo.mindspore` need those packages."""

from __future__ import annotations

from ._arrays import from_dlpack, to_dlpack
from ._device import DeviceArray
from ._info import info
from ._library import RondoError, __version__
from ._modules import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from ._packed import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence
from ._random import manual_seed

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "DeviceArray",
    "GRUCell",
    "LSTMCell",
    "PackedSequence",
    "RNNCell",
    "RondoError",
    "__version__",
    "from_dlpack",
    "info",
    "manual_seed",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "to_dlpack",
]
