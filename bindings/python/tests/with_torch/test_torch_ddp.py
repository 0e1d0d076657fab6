"""DistributedDataParallel over gloo: two processes' gradients are those of one process on the joined batch."""

import pytest
import torch
import torch.multiprocessing as mp
from ddp_worker import FORMS, LENGTHS, ROWS, loss, make, run
from torch_cases import CELLS, H, I, compare, flatten

import rondo.torch as rt

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ddp")
    mp.spawn(run, (str(folder / "store"), str(folder / "results")), nprocs=2)
    return [torch.load(folder / f"results.{rank}", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_layers(found, cell, form):
    module, x = make(cell)
    # DistributedDataParallel averages over the two.
    (loss(module, form, x, torch.tensor(LENGTHS)) / 2).backward()
    for rank in range(2):
        compare(found[rank][cell, form], [p.grad for p in module.parameters()], 1e-12)


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells(found, name):
    torch.manual_seed(12)
    cell = getattr(rt, name)(I, H, dtype=torch.float64)
    x = torch.randn(ROWS, I, dtype=torch.float64)
    (sum(t.square().sum() for t in flatten(cell(x))) / 2).backward()
    for rank in range(2):
        compare(found[rank][name], [p.grad for p in cell.parameters()], 1e-12)
