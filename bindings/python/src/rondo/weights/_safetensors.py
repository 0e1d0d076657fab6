"""safetensors files of state_dicts, through the package of that name, which is wanted only when a call is made.
bf16 comes and goes as ml_dtypes.bfloat16."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, Dict, Union

import numpy as np


def load_safetensors(path: Union[str, os.PathLike]) -> Dict[str, np.ndarray]:
    """Read every array of a safetensors file.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    dict of str to numpy.ndarray
        By the names in the file. Those of a module inside a model begin with its name there, as
        ``rnn.weight_ih_l0``; ``load_state_dict`` wants them without.

    Raises
    ------
    ImportError
        Where the package safetensors, or for bf16 ml_dtypes, is not installed.
    """
    safetensors = _package("safetensors", "a safetensors file")
    with safetensors.safe_open(path, framework="np") as file:
        names = list(file.keys())
        if any(file.get_slice(name).get_dtype() == "BF16" for name in names):
            _package("ml_dtypes", f"bf16, which '{os.fspath(path)}' has,")  # NumPy knows the type from its import on
        return {name: file.get_tensor(name) for name in names}


def save_safetensors(path: Union[str, os.PathLike], state_dict: Mapping[str, Any]) -> None:
    """Write a state_dict to a safetensors file.

    Parameters
    ----------
    path : str or os.PathLike
        An existing file is replaced.
    state_dict : mapping of str to array_like

    Raises
    ------
    ImportError
        Where the package safetensors is not installed.
    """
    # The format is that of memory: a view with strides would be written as the bytes that lie under it.
    arrays = {name: np.ascontiguousarray(value) for name, value in state_dict.items()}
    _package("safetensors.numpy", "a safetensors file").save_file(arrays, path)


def _package(name: str, purpose: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        missing = f"{purpose} needs the Python package {package}, which is not here"
        raise ImportError(f"{missing}: pip install {package}") from error
