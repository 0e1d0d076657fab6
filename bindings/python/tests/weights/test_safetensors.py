"""load_safetensors and save_safetensors, against files that torch writes and reads."""

import sys

import numpy as np
import pytest
from weights_reference import assert_same, module, state_of

from rondo import weights

pytest.importorskip("safetensors", reason="the package safetensors is not installed")
torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_files_of_torch(tmp_path, dtype):
    from safetensors.torch import load_file, save_file

    model = module("lstm", bidirectional=True, dtype=getattr(torch, dtype))
    save_file(model.state_dict(), tmp_path / "theirs")
    state = weights.load_safetensors(tmp_path / "theirs")
    expected = state_of(model)
    assert_same({name: state[name] for name in expected}, expected)
    weights.save_safetensors(tmp_path / "ours", state)
    ours = load_file(tmp_path / "ours")
    assert set(ours) == set(expected)
    model.load_state_dict(ours)


def test_bf16(tmp_path):
    from safetensors.torch import load_file, save_file

    ml_dtypes = pytest.importorskip("ml_dtypes", reason="the package ml_dtypes is not installed")
    theirs = {"weight_hh_l0": torch.linspace(-2, 2, 24).reshape(6, 4).bfloat16()}
    save_file(theirs, str(tmp_path / "theirs"))
    state = weights.load_safetensors(str(tmp_path / "theirs"))
    assert state["weight_hh_l0"].dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(state["weight_hh_l0"].astype(np.float32), theirs["weight_hh_l0"].float().numpy())
    weights.save_safetensors(tmp_path / "ours", state)
    assert torch.equal(load_file(tmp_path / "ours")["weight_hh_l0"], theirs["weight_hh_l0"])


def test_a_view_with_strides_is_written_as_it_reads(tmp_path):
    value = np.arange(12, dtype=np.float32).reshape(3, 4)
    weights.save_safetensors(tmp_path / "file", {"turned": value.T, "thinned": value[:, ::2]})
    state = weights.load_safetensors(tmp_path / "file")
    np.testing.assert_array_equal(state["turned"], value.T)
    np.testing.assert_array_equal(state["thinned"], value[:, ::2])


@pytest.mark.parametrize("missing", ["safetensors", "ml_dtypes"])
def test_a_missing_package_is_named(tmp_path, monkeypatch, missing):
    from safetensors.torch import save_file

    save_file({"weight_hh_l0": torch.zeros(2, 2, dtype=torch.bfloat16)}, tmp_path / "file")
    for name in {missing, *(name for name in sys.modules if name.startswith(missing + "."))}:
        monkeypatch.setitem(sys.modules, name, None)  # as if it could not be imported
    with pytest.raises(ImportError, match=f"needs the Python package {missing}, .*pip install {missing}"):
        weights.load_safetensors(tmp_path / "file")
    if missing == "safetensors":
        with pytest.raises(ImportError, match="needs the Python package safetensors"):
            weights.save_safetensors(tmp_path / "other", {})
        assert not (tmp_path / "other").exists()
