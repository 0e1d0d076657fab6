"""Trains a character model on several processes with PyTorch's DistributedDataParallel; its GRU is rondo's.

One process: train.py. Several: torchrun --nproc_per_node 2 train.py; gloo on CPUs, NCCL where each process has a GPU.
Every process takes its rows of each batch, so any number of processes takes the same steps."""

import argparse
import os
import pathlib

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils.rnn import pack_sequence

import rondo.torch


class CharacterModel(nn.Module):
    """Predicts each next character of lines of different lengths."""

    def __init__(self, characters: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, 24)
        self.gru = rondo.torch.GRU(24, hidden, num_layers=2)
        self.head = nn.Linear(hidden, characters)

    def forward(self, lines):
        """A PackedSequence of characters gives logits [S, characters] in packed order."""
        output, _ = self.gru(lines._replace(data=self.embedding(lines.data)))
        return self.head(output.data)


def read_lines(path: pathlib.Path) -> tuple[list[torch.Tensor], int]:
    text = path.read_text(encoding="utf-8")
    alphabet = {c: i for i, c in enumerate(sorted(set(text)))}
    lines = [torch.tensor([alphabet[c] for c in line]) for line in text.split("\n") if len(line) > 1]
    return lines, len(alphabet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=pathlib.Path, default=pathlib.Path(__file__))
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rows", type=int, default=16, help="lines of a batch, all processes together")
    parser.add_argument("--hidden", type=int, default=96)
    parser.add_argument("--gradients", type=pathlib.Path, help="write the last step's gradients there")
    options = parser.parse_args()

    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if options.rows < world:
        parser.error(f"--rows is {options.rows}, expected {world} or more, a line for each process")
    cuda = torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group("nccl" if cuda else "gloo")

    lines, characters = read_lines(options.text)
    torch.manual_seed(0)
    model = CharacterModel(characters, options.hidden).to(device)
    parallel = DistributedDataParallel(model) if world > 1 else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(1)  # the same batches in every process

    for step in range(options.steps):
        batch = [lines[i] for i in torch.randint(len(lines), (options.rows,), generator=generator).tolist()]
        total = sum(len(line) - 1 for line in batch)
        own = batch[rank::world]
        inputs = pack_sequence([line[:-1] for line in own], enforce_sorted=False).to(device)
        targets = pack_sequence([line[1:] for line in own], enforce_sorted=False).to(device)
        losses = nn.functional.cross_entropy(parallel(inputs), targets.data, reduction="sum")
        # The mean over all processes' characters: DistributedDataParallel averages over processes, so the number of
        # processes goes into the numerator.
        loss = losses * world / total
        optimizer.zero_grad()
        loss.backward()
        if step % 10 == 0 or step == options.steps - 1:
            mean = loss.detach() / world
            if world > 1:
                dist.all_reduce(mean)
            if rank == 0:
                print(f"step {step:4} loss {mean.item():.5f}", flush=True)
        if step == options.steps - 1 and options.gradients and rank == 0:
            torch.save({name: p.grad.cpu() for name, p in model.named_parameters()}, options.gradients)
        optimizer.step()

    if world > 1:
        dist.barrier()  # nobody hangs up while another still listens
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
