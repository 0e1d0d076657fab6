"""What the Python layer adds to a call of the library: an LSTM of one step, one row and 64 units, in microseconds.

Prints the best of several rounds for each; torch.nn.LSTM stands beside them where torch is installed."""

from __future__ import annotations

import timeit

import numpy as np

import rondo
from rondo import _plans

SIZE, CALLS, ROUNDS = 64, 5000, 15


def best(call) -> float:
    """Microseconds of one call, in the fastest round."""
    call()
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def c_call(lstm: rondo.LSTM, x: np.ndarray):
    """The call itself, its struct ready and its handle at hand: ctypes, and what the library does."""
    packed = []

    def note(handle, args):
        packed[:] = [handle, args]
        return forward(handle, args)

    forward, _plans._forward = _plans._forward, note
    kept = lstm(x)
    _plans._forward = forward
    handle, args = packed
    return lambda kept=kept: forward(handle, args)


def main() -> None:
    x = np.random.default_rng(0).standard_normal((1, 1, SIZE), np.float32)
    state = (np.zeros((1, 1, SIZE), np.float32), np.zeros((1, 1, SIZE), np.float32))
    lstm = rondo.LSTM(SIZE, SIZE).eval()
    direct = best(c_call(lstm, x))
    rows = [
        ("rondo_forward through ctypes", direct),
        ("rondo.LSTM, eval()", best(lambda: lstm(x))),
        ("rondo.LSTM, eval(), with (h0, c0)", best(lambda: lstm(x, state))),
    ]
    lstm.train()
    rows.append(("rondo.LSTM, train()", best(lambda: lstm(x))))
    try:
        import torch
    except ImportError:
        print("torch is not installed: no torch.nn.LSTM beside these")
    else:
        peer = torch.nn.LSTM(SIZE, SIZE).eval()
        given = torch.from_numpy(x)
        with torch.inference_mode():
            rows.append(("torch.nn.LSTM, inference_mode", best(lambda: peer(given))))
    for name, time in rows:
        print(f"{name:36}{time:8.2f} us{time - direct:+10.2f} over the C call")


if __name__ == "__main__":
    main()
