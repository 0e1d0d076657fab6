"""A GRU on NumPy arrays learns to add the two marked numbers of each series, which are of any length.

Run it where the package rondo is installed. Exit status 1: it has not learnt (guessing the mean has error 0.167)."""

import sys

import numpy as np

import rondo

ROWS, STEPS, HIDDEN, ROUNDS = 64, 20, 32, 600


class Adam:
    """Over a dictionary of arrays; gives the changed ones."""

    def __init__(self, rate):
        self.rate, self.round, self.means, self.squares = rate, 0, {}, {}

    def step(self, values, gradients):
        self.round += 1
        changed = {}
        for name, gradient in gradients.items():
            mean = self.means[name] = 0.9 * self.means.get(name, 0) + 0.1 * gradient
            square = self.squares[name] = 0.999 * self.squares.get(name, 0) + 0.001 * gradient**2
            scale = np.sqrt(1 - 0.999**self.round) / (1 - 0.9**self.round)
            changed[name] = (values[name] - self.rate * scale * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)
        return changed


def batch(random):
    """x [T, N, 2]: numbers, and marks on two of them; lengths [N]; the sums [N, 1]."""
    x = np.zeros((STEPS, ROWS, 2), np.float32)
    lengths = random.integers(STEPS // 2, STEPS + 1, ROWS)
    x[:, :, 0] = random.random((STEPS, ROWS))
    for row, length in enumerate(lengths):
        x[random.choice(length, 2, replace=False), row, 1] = 1
    return x, lengths, (x[:, :, 0] * x[:, :, 1]).sum(0)[:, None]


def main():
    rondo.manual_seed(1)
    random = np.random.default_rng(1)
    gru = rondo.GRU(2, HIDDEN)
    head = {"weight": np.zeros((1, HIDDEN), np.float32), "bias": np.zeros(1, np.float32)}
    gru_adam, head_adam = Adam(0.01), Adam(0.01)
    for number in range(1, ROUNDS + 1):
        x, lengths, sums = batch(random)
        y, hn = gru(x, lengths=lengths)
        error = hn[0] @ head["weight"].T + head["bias"] - sums
        slope = 2 / ROWS * error
        # Only the last state is read: y has no gradient.
        _, _, gradients = gru.backward(None, (slope @ head["weight"])[None])
        head = head_adam.step(head, {"weight": slope.T @ hn[0], "bias": slope.sum(0)})
        gru.load_state_dict(gru_adam.step(gru.state_dict(), gradients))
        if number % 100 == 0:
            print(f"round {number}: squared error {np.mean(error**2):.4f}")

    gru.eval()
    x, lengths, sums = batch(random)
    _, hn = gru(x, lengths=lengths)
    error = float(np.mean((hn[0] @ head["weight"].T + head["bias"] - sums) ** 2))
    print(f"on new series: {error:.4f}, guessing the mean 0.167; {gru.explain().splitlines()[0]}")
    return 0 if error < 0.02 else 1


if __name__ == "__main__":
    sys.exit(main())
