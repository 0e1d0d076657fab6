"""replace: torch.nn's recurrent modules of a model become rondo's, in place.

A module keeps its identity and all it holds; only its class changes, so optimizers, hooks and references hold."""

from __future__ import annotations

from torch import nn

from ._cells import GRUCell, LSTMCell, RNNCell
from ._layers import GRU, LSTM, RNN

_CLASSES: dict[type[nn.Module], type[nn.Module]] = {
    nn.RNN: RNN,
    nn.LSTM: LSTM,
    nn.GRU: GRU,
    nn.RNNCell: RNNCell,
    nn.LSTMCell: LSTMCell,
    nn.GRUCell: GRUCell,
}


def replace(model: nn.Module) -> list[str]:
    """Makes every RNN, LSTM, GRU and cell of torch.nn in a model rondo's; gives their names, as named_modules does.

    The model itself may be one (its name is ""). Classes derived from torch.nn's are left alone, parametrized modules
    among them: their forward is not known."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}, expected a torch.nn.Module")
    names = []
    for name, module in model.named_modules():
        replacement = _CLASSES.get(type(module))
        if replacement is not None:
            module.__class__ = replacement
            names.append(name)
    return names
