#!/usr/bin/env python3
"""PyTorch as a peer of rondo's benchmarks: nn.RNN, nn.LSTM and nn.GRU as users call them. tests/gpu/peer.h tells what
is asked and answered. Usage: torch_bench.py [cuda | cpu [THREADS]]

Without torch, or without a GPU that it can use, it ends with status 77 before the first answer.
"""
import contextlib
import math
import sys
import warnings

try:
    import torch

    import peer_common
    import peer_shapes
except ImportError as error:
    print(f"skipped: {error}", file=sys.stderr)
    sys.exit(77)

DTYPES = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cuda"


def values(size, bound, array, dtype):
    """size values, as pool_values() of tests/gpu/shape.cpp draws them."""
    count = math.prod(size)
    first = torch.from_numpy(peer_common.drawn(count, bound, array)).to(DEVICE).to(dtype)
    return first.repeat(-(-count // first.numel()))[:count].reshape(size)


def make_module(shape, dtype):
    kinds = {"rnn_tanh": torch.nn.RNN, "rnn_relu": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    extra = {"nonlinearity": shape["cell"][4:]} if shape["cell"].startswith("rnn") else {}
    module = kinds[shape["cell"]](shape["I"], shape["H"], num_layers=shape["L"], bidirectional=shape["D"] == 2, **extra)
    module = module.to(DEVICE, dtype)
    bound = peer_shapes.param_bound(shape)
    with torch.no_grad():
        for index, parameter in enumerate(module.parameters()):
            array = peer_shapes.FIRST_PARAM_ARRAY + index
            parameter.copy_(values(tuple(parameter.shape), bound, array, dtype))
    module.train(shape["mode"] == "training")
    return module


class TorchVariant(peer_common.Variant):
    """One shape with its module and inputs, and one way to call it."""

    def __init__(self, shape, tf32, own_loops):
        self.training = shape["mode"] == "training"
        self.tf32 = tf32
        self.own_loops = own_loops
        dtype = DTYPES[shape["dtype"]]
        self.module = make_module(shape, dtype)
        lengths = peer_shapes.lengths_of(shape)
        self.packed = shape["sequence"] == "packed"
        rows = (sum(lengths),) if self.packed else (shape["T"], shape["N"])
        self.x = values((*rows, shape["I"]), peer_shapes.DATA_BOUND, peer_shapes.X_ARRAY, dtype)
        self.x.requires_grad_(self.training)
        if self.training:
            width = shape["D"] * shape["H"]
            self.dy = values((*rows, width), peer_shapes.DATA_BOUND, peer_shapes.DY_ARRAY, dtype)
        # Users pack once; what is timed is the module. Padded input has no lengths in PyTorch: all steps are computed.
        self.sizes = torch.tensor(peer_shapes.batch_sizes_of(lengths)) if self.packed else None
        self.comparable = shape["sequence"] != "lengths"
        self.y = None

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
        torch.backends.cudnn.allow_tf32 = self.tf32
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        if DEVICE != "cuda":
            without = torch.backends.mkldnn.flags(enabled=False) if self.own_loops else contextlib.nullcontext()
            with without:
                return super().seconds(calls)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        begin.record()
        for _ in range(calls):
            self.call()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1e3

    @staticmethod
    def some_of(tensor):
        flat = tensor.detach().reshape(-1)
        where = torch.tensor(peer_shapes.probe_places(flat.numel()), device=flat.device)
        return flat[where].double().cpu().tolist()

    def probe(self):
        return self.some_of(self.y)

    def probe_dx(self):
        return self.some_of(self.x.grad) if self.training else None


def candidates(shape):
    """The ways to run a shape: with and without tf32 where a GPU could use it; on a CPU also without oneDNN's LSTM,
    which packs the weights anew at every call and loses to PyTorch's own loops on short sequences."""
    ways = [("nn", False, False)]
    if DEVICE == "cuda" and shape["dtype"] == "f32":
        ways.append(("nn tf32", True, False))
    if DEVICE == "cpu" and shape["cell"] == "lstm":
        ways.append(("nn without oneDNN", False, True))
    return [(name, lambda shape, choice=choice: TorchVariant(shape, *choice)) for name, *choice in ways]


def main():
    warnings.filterwarnings("ignore", message="TF32 acceleration on top of oneDNN")
    if len(sys.argv) > 2:
        torch.set_num_threads(int(sys.argv[2]))
    emptied = torch.cuda.empty_cache if DEVICE == "cuda" else lambda: None
    version = f"PyTorch {torch.__version__}"
    return peer_common.serve(peer_common.Server(version, candidates, (RuntimeError, ValueError), emptied))


if __name__ == "__main__":
    if DEVICE == "cuda" and not torch.cuda.is_available():
        print("skipped: torch has no CUDA device", file=sys.stderr)
        sys.exit(77)
    sys.exit(main())
