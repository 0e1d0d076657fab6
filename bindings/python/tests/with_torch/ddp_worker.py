"""What each of two processes does in the test of DistributedDataParallel: half of a batch, gradients exchanged.

It is a module of its own because spawned processes import it by name."""

from __future__ import annotations

import datetime

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils.rnn import pack_padded_sequence
from torch_cases import CELLS, H, I, T, flatten

import rondo.torch as rt

ROWS = 4
LENGTHS = [5, 3, 4, 2]
FORMS = ("full", "lengths", "packed")


def make(cell: str):
    torch.manual_seed(11)
    name, arguments = CELLS[cell]
    module = getattr(rt, name)(I, H, 2, bidirectional=True, dtype=torch.float64, **arguments)
    return module, torch.randn(T, ROWS, I, dtype=torch.float64)


def loss(module, form: str, x, lengths):
    if form == "full":
        result = module(x)
    elif form == "lengths":
        result = module(x, lengths=lengths)
    else:
        result = module(pack_padded_sequence(x, lengths, enforce_sorted=False))
    return sum(tensor.square().sum() for tensor in flatten(result))


def run(rank: int, store: str, results: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{store}", datetime.timedelta(seconds=60), world_size=2, rank=rank)
    found = {}
    rows = slice(2 * rank, 2 * rank + 2)
    for cell in CELLS:
        for form in FORMS:
            module, x = make(cell)
            parallel = DistributedDataParallel(module)
            loss(parallel, form, x[:, rows], torch.tensor(LENGTHS[rows])).backward()
            found[cell, form] = [p.grad for p in module.parameters()]
    for name in ("RNNCell", "LSTMCell", "GRUCell"):
        torch.manual_seed(12)
        cell = DistributedDataParallel(getattr(rt, name)(I, H, dtype=torch.float64))
        x = torch.randn(ROWS, I, dtype=torch.float64)
        sum(t.square().sum() for t in flatten(cell(x[rows]))).backward()
        found[name] = [p.grad for p in cell.parameters()]
    torch.save(found, f"{results}.{rank}")
    dist.barrier()  # nobody hangs up while another still listens
    dist.destroy_process_group()
