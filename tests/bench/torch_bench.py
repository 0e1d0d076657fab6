#!/usr/bin/env python3
"""PyTorch as a peer of rondo's GPU benchmark: nn.RNN, nn.LSTM and nn.GRU as users call them. tests/gpu/peer.h tells
what is asked and answered; lengths and values are those of tests/gpu/shape.cpp, computed here once more.

Without torch, or without a GPU that it can use, it ends with status 77 before the first answer.
"""
import json
import math
import sys
import time

try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"skipped: {error}", file=sys.stderr)
    sys.exit(77)

POOL_SIZE = 1000003
ARRAY_STRIDE = 7919
PROBES = 64
LEAST_ROUND_SECONDS = 0.008
MOST_CALLS = 2000
DTYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cuda"


def uniform_at(counters):
    with np.errstate(over="ignore"):
        mixed = (counters.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


POOL = torch.from_numpy(2 * uniform_at(np.arange(POOL_SIZE)) - 1).to(DEVICE)


def values(size, bound, array, dtype):
    """size values, as pool_values() of tests/gpu/shape.cpp draws them."""
    count = math.prod(size)
    rolled = torch.roll(POOL, -(array * ARRAY_STRIDE % POOL_SIZE))[: min(count, POOL_SIZE)].mul(bound).to(dtype)
    return rolled.repeat(-(-count // rolled.numel()))[:count].reshape(size)


def lengths_of(shape):
    T, N = shape["T"], shape["N"]
    if shape["sequence"] == "full":
        return None
    shortest = max(1, T // 10)
    drawn = uniform_at(np.arange(N) + 1000000007)
    lengths = (shortest + (drawn * float(T - shortest + 1)).astype(np.int64)).tolist()
    lengths[-1] = T
    return sorted(lengths, reverse=True) if shape["sequence"] == "packed" else lengths


def make_module(shape, dtype):
    kinds = {"rnn_tanh": torch.nn.RNN, "rnn_relu": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    extra = {"nonlinearity": shape["cell"][4:]} if shape["cell"].startswith("rnn") else {}
    module = kinds[shape["cell"]](shape["I"], shape["H"], num_layers=shape["L"], bidirectional=shape["D"] == 2, **extra)
    module = module.to(DEVICE, dtype)
    with torch.no_grad():
        for index, parameter in enumerate(module.parameters()):
            parameter.copy_(values(tuple(parameter.shape), shape["H"] ** -0.5, 2 + index, dtype))
    module.train(shape["mode"] == "training")
    return module


class Opened:
    """One shape with its module and inputs, and one way to call it."""

    def __init__(self, shape):
        self.training = shape["mode"] == "training"
        dtype = DTYPES[shape["dtype"]]
        self.module = make_module(shape, dtype)
        lengths = lengths_of(shape)
        self.packed = shape["sequence"] == "packed"
        rows = (sum(lengths),) if self.packed else (shape["T"], shape["N"])
        self.x = values((*rows, shape["I"]), math.sqrt(3), 0, dtype).requires_grad_(self.training)
        if self.training:
            self.dy = values((*rows, shape["D"] * shape["H"]), math.sqrt(3), 1, dtype)
        # Users pack once; what is timed is the module. Padded input has no lengths in PyTorch: all steps are computed.
        self.sizes = None
        if self.packed:
            self.sizes = torch.tensor([sum(length > t for length in lengths) for t in range(shape["T"])])
        self.comparable = shape["sequence"] != "lengths"
        self.y = None
        self.calls = 1

    def call(self):
        x = torch.nn.utils.rnn.PackedSequence(self.x, self.sizes) if self.packed else self.x
        if self.training:
            for parameter in self.module.parameters():
                parameter.grad = None
            self.x.grad = None
            y = self.module(x)[0]
            self.y = y.data if self.packed else y
            self.y.backward(self.dy)
        else:
            with torch.inference_mode():
                y = self.module(x)[0]
                self.y = y.data if self.packed else y

    def seconds(self, calls):
        """Of so many calls, by the device's own clock where there is one."""
        if DEVICE != "cuda":
            start = time.perf_counter()
            for _ in range(calls):
                self.call()
            return time.perf_counter() - start
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        for _ in range(calls):
            self.call()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1e3

    def probe(self):
        flat = self.y.detach().reshape(-1)
        where = torch.tensor([(2 * k + 1) * flat.numel() // (2 * PROBES) for k in range(PROBES)], device=flat.device)
        return flat[where].double().cpu().tolist()


class Server:
    def __init__(self):
        self.opened = {}

    def open(self, request):
        self.close(request)
        answer = {"variants": [], "refused": {}, "probe": {}}
        tf32_choices = [False, True] if request["shape"]["dtype"] == "f32" else [False]
        for tf32 in tf32_choices:
            name = "nn tf32" if tf32 else "nn"
            try:
                self.use_tf32(tf32)
                opened = Opened(request["shape"])
                opened.seconds(1)
                opened.calls = min(MOST_CALLS, max(1, math.ceil(LEAST_ROUND_SECONDS / max(opened.seconds(1), 1e-7))))
                if opened.comparable:
                    answer["probe"][name] = opened.probe()
                answer["variants"].append(name)
                self.opened[name] = (opened, tf32)
            except (RuntimeError, ValueError) as error:
                answer["refused"][name] = str(error)
        return answer

    def round(self, _):
        milliseconds = {}
        for name, (opened, tf32) in self.opened.items():
            self.use_tf32(tf32)
            milliseconds[name] = 1e3 * opened.seconds(opened.calls) / opened.calls
        return {"ms": milliseconds}

    def close(self, _):
        self.opened.clear()
        if DEVICE == "cuda":
            torch.cuda.empty_cache()
        return {}

    @staticmethod
    def use_tf32(wanted):
        torch.backends.cudnn.allow_tf32 = wanted
        torch.backends.cuda.matmul.allow_tf32 = wanted


def main():
    server = Server()
    requests = {"open": server.open, "round": server.round, "close": server.close}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = requests[request["do"]](request)
        except Exception as error:  # whatever it is, the peer lives on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    if DEVICE == "cuda" and not torch.cuda.is_available():
        print("skipped: torch has no CUDA device", file=sys.stderr)
        sys.exit(77)
    sys.exit(main())
