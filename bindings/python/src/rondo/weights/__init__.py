"""Weights of other systems, from and to a state_dict with torch's names; and safetensors files.

Each system has two functions over NumPy arrays, for every cell that it has in common with torch.nn:

=============  ==============================================  =======================================
system         its arrays                                      what is refused
=============  ==============================================  =======================================
``onnx``       W, R and B of one node                          peepholes; a GRU without
                                                               ``linear_before_reset=1``
``keras``      ``get_weights()`` of one layer                  a GRU without ``reset_after=True``
``cudnn``      matrices and biases by pseudo-layer and         CUDNN_SKIP_INPUT
               linLayerID
``haste``      ``state_dict()`` of one layer                   zoneout
``onednn``     ldigo, ldgo and ldio arrays of one primitive    peepholes; vanilla_gru
=============  ==============================================  =======================================

What a system computes differently from torch is refused with a `ValueError` that says so: nearly the same numbers help
nobody. Where a system has one bias and torch two, `to_*` writes their sum, which is all that the equations use of them,
and `from_*` reads it as bias_ih with bias_hh zero. A GRU's n needs both, and every system that is served has both.

Every result is a copy, contiguous, of the arrays' own type.
"""

from ._cudnn import from_cudnn, to_cudnn
from ._haste import from_haste, to_haste
from ._keras import from_keras, to_keras
from ._onednn import OneDNN, from_onednn, to_onednn
from ._onnx import from_onnx, to_onnx
from ._safetensors import load_safetensors, save_safetensors

__all__ = [
    "OneDNN",
    "from_cudnn",
    "from_haste",
    "from_keras",
    "from_onednn",
    "from_onnx",
    "load_safetensors",
    "save_safetensors",
    "to_cudnn",
    "to_haste",
    "to_keras",
    "to_onednn",
    "to_onnx",
]
