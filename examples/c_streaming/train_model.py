#!/usr/bin/env python3
"""Trains the model that c_streaming runs (is a noisy tone fast or slow now?) and lets it hear a stream for the test.

What it writes, model.safetensors and expected.txt, is committed; making them anew needs PyTorch and safetensors.
usage: train_model.py [FOLDER]
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

SLOW, FAST = 0.35, 0.70  # radians a sample
HIDDEN, BATCH, STEPS = 16, 64, 120


class FastOrSlow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(1, HIDDEN)
        self.readout = torch.nn.Linear(HIDDEN, 1)

    def forward(self, samples):  # [T, N, 1] to the logarithm of the odds that the tone is fast, [T, N, 1]
        return self.readout(self.lstm(samples)[0])


def tones(steps, rows, generator):
    """Samples [T, N, 1] of tones that change pitch now and then, and 1.0 where they are fast."""
    changes = torch.rand(steps, rows, generator=generator) < 1 / 30
    start = torch.rand(rows, generator=generator) < 0.5
    fast = (changes.cumsum(0) + start) % 2 == 1
    phase = torch.where(fast, FAST, SLOW).cumsum(0) + 6.28 * torch.rand(rows, generator=generator)
    noise = 0.1 * torch.randn(steps, rows, generator=generator)
    return (phase.sin() + noise).unsqueeze(2), fast.float().unsqueeze(2)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(2)
    model = FastOrSlow()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_of = torch.nn.BCEWithLogitsLoss()
    for step in range(500):
        samples, fast = tones(STEPS, BATCH, generator)
        loss = loss_of(model(samples), fast)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 99:
            print(f"step {step + 1}: loss {loss.item():.4f}")
    save_file(model.state_dict(), folder / "model.safetensors")

    samples, fast = tones(400, 1, generator)
    samples = (samples * 10000).round() / 10000  # what stands in the text is what the model saw
    with torch.no_grad():
        probability = model(samples).sigmoid()
    right = ((probability > 0.5) == (fast > 0.5)).float().mean().item()
    print(f"right at {100 * right:.1f}% of the samples")
    rows = zip(samples.flatten().tolist(), probability.flatten().tolist(), fast.flatten().tolist())
    lines = [f"{sample:.4f} {chance:.7f} {'fast' if truth else 'slow'}" for sample, chance, truth in rows]
    (folder / "expected.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
