"""rondo.torch: torch.nn's recurrent modules computed by rondo, and `replace`, which puts them into an existing model.

Importing it needs torch; `rondo` itself never does."""

from __future__ import annotations

from ._cells import GRUCell, LSTMCell, RNNCell
from ._layers import GRU, LSTM, RNN
from ._operators import reserve_bound
from ._replace import replace

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell", "replace", "reserve_bound"]
