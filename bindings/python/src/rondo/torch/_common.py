"""What layers and cells share: autocast, the choice of training or inference, the seed, and the rows of packed input.

All of it is traced by Dynamo, so it uses only what Dynamo can follow."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


def autocast_dtype(tensor: Tensor) -> torch.dtype | None:
    """What autocast would have this tensor be, if anything; f64 it leaves alone."""
    kind = tensor.device.type
    if kind not in ("cpu", "cuda") or not torch.is_autocast_enabled(kind):
        return None
    if not tensor.is_floating_point() or tensor.dtype == torch.float64:
        return None
    return torch.get_autocast_dtype(kind)


def cast(tensor: Tensor | None, dtype: torch.dtype | None) -> Tensor | None:
    """To an autocast type; f64 stays, and so does everything where dtype is None."""
    if tensor is None or dtype is None or not tensor.is_floating_point() or tensor.dtype == torch.float64:
        return tensor
    return tensor.to(dtype)


def check_devices(input: Tensor, states: list[Tensor], params: list[Tensor]) -> None:
    """One device for all: the operator would go by the input's, or by a meta tensor's and compute nothing."""
    if input.device != params[0].device:
        raise RuntimeError(f"input is on {input.device}, expected {params[0].device}, the device of the weights")
    for state in states:
        if state.device != input.device:
            raise RuntimeError(f"hx is on {state.device}, expected {input.device}, the device of input")


def differentiates(tensors: list[Tensor | None]) -> bool:
    """Whether a gradient of any of them may be asked for."""
    if not torch.is_grad_enabled():
        return False
    for tensor in tensors:
        if tensor is not None and tensor.requires_grad:
            return True
    return False


def draw_seed(like: Tensor) -> Tensor:
    """A seed for dropout from torch's generator of the tensor's device."""
    return torch.randint(0, 2**63 - 1, (1,), dtype=torch.int64, device=like.device)


def cuda_options(tensor: Tensor) -> str:
    """torch's own switches, where they mean something."""
    if tensor.device.type != "cuda":
        return ""
    return (
        f" deterministic={int(torch.are_deterministic_algorithms_enabled())}"
        f" allow_tf32={int(torch.backends.cudnn.rnn.fp32_precision == 'tf32')}"
    )


def packed_rows(sequence: PackedSequence) -> int:
    """N, which only the value batch_sizes[0] tells where the rows come in their own order."""
    if sequence.sorted_indices is not None:
        return sequence.sorted_indices.size(0)
    if torch.compiler.is_compiling():
        # Dynamo follows the switch for these lines alone: the user need not set it for the process.
        with torch._dynamo.patch_dynamo_config(capture_scalar_outputs=True):
            rows = sequence.batch_sizes[0].item()
            torch._check(rows >= 1)
            return rows
    return int(sequence.batch_sizes[0])
