"""A PyTorch model converted by one call: the same model trained with torch.nn's LSTM and with rondo's, side by side.

Loss curves must agree, which this program checks (exit status 1 if not); times are printed, not checked.
Usage: convert.py [--text FILE] [--steps 60] [--hidden 128] [--layers 2] [--device cpu]"""

import argparse
import copy
import pathlib
import sys
import time

import torch
from torch import nn

import rondo.torch


class CharacterModel(nn.Module):
    """Predicts the next character of a text. Nothing in it knows of rondo."""

    def __init__(self, characters: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, 32)
        self.lstm = nn.LSTM(32, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, characters)

    def forward(self, tokens, state=None):
        output, state = self.lstm(self.embedding(tokens), state)
        return self.head(output), state


def batches(tokens: torch.Tensor, steps: int, rows: int = 16, length: int = 48):
    """Random pieces of the text, the same ones in every run."""
    generator = torch.Generator().manual_seed(7)
    for _ in range(steps):
        starts = torch.randint(len(tokens) - length - 1, (rows,), generator=generator)
        pieces = torch.stack([tokens[s : s + length + 1] for s in starts.tolist()])
        yield pieces[:, :-1], pieces[:, 1:]


def train(model: nn.Module, data) -> tuple[list[float], float]:
    """Losses step by step, and milliseconds of a step (the median)."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses, times = [], []
    for inputs, targets in data:
        start = time.perf_counter()
        logits, _ = model(inputs)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        times.append(time.perf_counter() - start)
    return losses, sorted(times)[len(times) // 2] * 1e3


def generate(model: nn.Module, start: int, count: int) -> list[int]:
    """The most likely continuation, a character at a time: rondo's inference plan, parameters packed once."""
    model.eval()
    device = next(model.parameters()).device
    found, state = [start], None
    with torch.inference_mode():
        for _ in range(count):
            logits, state = model(torch.tensor([[found[-1]]], device=device), state)
            found.append(int(logits[0, -1].argmax()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=pathlib.Path, default=pathlib.Path(__file__))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    text = options.text.read_text(encoding="utf-8")
    alphabet = sorted(set(text))
    tokens = torch.tensor([alphabet.index(c) for c in text])
    data = [(x.to(options.device), y.to(options.device)) for x, y in batches(tokens, options.steps)]

    torch.manual_seed(0)
    theirs = CharacterModel(len(alphabet), options.hidden, options.layers).to(options.device)
    ours = copy.deepcopy(theirs)
    print("replaced:", ", ".join(rondo.torch.replace(ours)))

    their_losses, their_time = train(theirs, data)
    our_losses, our_time = train(ours, data)
    print(f"{'step':>6} {'torch.nn':>10} {'rondo':>10}")
    for step in range(0, options.steps, max(options.steps // 10, 1)):
        print(f"{step:6} {their_losses[step]:10.5f} {our_losses[step]:10.5f}")
    print(f"milliseconds a step: torch.nn {their_time:.2f}, rondo {our_time:.2f}, ratio {their_time / our_time:.2f}")

    theirs.load_state_dict(ours.state_dict())  # checkpoints go both ways
    agree = generate(ours, tokens[0].item(), 40) == generate(theirs, tokens[0].item(), 40)
    worst = max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(their_losses, our_losses))
    print(f"largest difference of a loss: {worst:.2g}; the same text generated: {'yes' if agree else 'no'}")
    # Rounding differs, and training lets differences of 1e-7 grow with the number of steps.
    return 0 if worst < 1e-5 * max(options.steps, 10) and agree else 1


if __name__ == "__main__":
    sys.exit(main())
