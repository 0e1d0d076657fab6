#!/usr/bin/env python3
"""Writes the goldens: PyTorch's outputs and gradients for small recurrent networks, as safetensors beside this file.

Run by hand when a case is added (python make_goldens.py); the tests read the committed files and need no PyTorch.
"""

import json
import pathlib

import safetensors.torch
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

HERE = pathlib.Path(__file__).resolve().parent
CELLS = ("rnn_tanh", "rnn_relu", "lstm", "gru")


def network(case, dtype):
    """The torch module of a case: the same description that the C++ side reads from the metadata."""
    cell = case["cell"]
    if case["single_cell"]:
        kinds = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
        if cell in kinds:
            return kinds[cell](case["I"], case["H"], bias=case["bias"], dtype=dtype)
        return torch.nn.RNNCell(case["I"], case["H"], bias=case["bias"], nonlinearity=cell[4:], dtype=dtype)
    options = dict(
        num_layers=case["L"],
        bias=case["bias"],
        batch_first=case["batch_major"],
        dropout=case["dropout"],
        bidirectional=case["D"] == 2,
        dtype=dtype,
    )
    if cell == "lstm":
        return torch.nn.LSTM(case["I"], case["H"], proj_size=case["P"], **options)
    if cell == "gru":
        return torch.nn.GRU(case["I"], case["H"], **options)
    return torch.nn.RNN(case["I"], case["H"], nonlinearity=cell[4:], **options)


def cases():
    """Every golden case, smallest sizes that still tell a swapped index from a right one."""
    base = dict(
        I=4, H=5, P=0, L=1, D=1, T=6, N=3, bias=True, batch_major=False, dropout=0.0, single_cell=False, states=True,
        sequence="full", lengths=[],
    )
    found = []

    def add(name, cell, **changes):
        found.append({**base, **changes, "cell": cell, "name": f"{cell}/{name}"})

    for cell in CELLS:
        add("plain", cell)
        add("no_states", cell, states=False, N=2)
        add("no_bias", cell, bias=False, H=3)
        add("batch_first", cell, batch_major=True, D=2, T=4)
        add("one", cell, I=1, H=1, T=1, N=1)
        add("long", cell, T=33, H=3, N=1)
        add("layers2", cell, L=2)
        add("layers3", cell, L=3, T=4, H=3)
        add("bidirectional", cell, D=2)
        add("bidirectional_layers2", cell, D=2, L=2)
        add("bidirectional_layers2_no_bias_batch_first", cell, D=2, L=2, bias=False, batch_major=True, H=3)
        # The only dropout whose mask PyTorch and rondo share: everything is dropped.
        add("dropout_all", cell, L=2, dropout=1.0, T=3)
        add("packed_sorted", cell, sequence="packed", lengths=[6, 4, 4, 1], N=4)
        add("packed_unsorted", cell, sequence="packed", lengths=[2, 6, 1, 5], N=4)
        add("packed_unsorted_bidirectional_layers2", cell, sequence="packed", lengths=[3, 1, 6], D=2, L=2)
        add("packed_unsorted_no_states", cell, sequence="packed", lengths=[1, 3, 5, 3], N=4, T=5, D=2, states=False)
        add("cell", cell, single_cell=True, T=1)
        add("cell_no_bias_no_states", cell, single_cell=True, T=1, bias=False, states=False)
    add("projection", "lstm", P=2)
    add("projection_layers2", "lstm", P=3, L=2)
    add("projection_bidirectional_layers2", "lstm", P=3, L=2, D=2)
    add("projection_no_bias_batch_first", "lstm", P=2, D=2, bias=False, batch_major=True)
    add("projection_packed_unsorted", "lstm", P=2, L=2, D=2, sequence="packed", lengths=[2, 6, 3])
    return found


def random_leaf(generator, dtype, *shape):
    return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_()


def input_of(case, generator, dtype):
    """The leaf x, and what is handed to the module."""
    features = case["I"]
    if case["single_cell"]:
        x = random_leaf(generator, dtype, case["N"], features)
        return x, x
    if case["sequence"] == "full":
        shape = (case["N"], case["T"]) if case["batch_major"] else (case["T"], case["N"])
        x = random_leaf(generator, dtype, *shape, features)
        return x, x
    lengths = torch.tensor(case["lengths"])
    padded = torch.zeros(case["T"], case["N"], features, dtype=dtype)
    enforce_sorted = case["lengths"] == sorted(case["lengths"], reverse=True)
    packed = pack_padded_sequence(padded, lengths, enforce_sorted=enforce_sorted)
    x = random_leaf(generator, dtype, *packed.data.shape)
    case["batch_sizes"] = packed.batch_sizes.tolist()
    case["sorted_indices"] = [] if packed.sorted_indices is None else packed.sorted_indices.tolist()
    return x, PackedSequence(x, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)


def outputs_of(case, output):
    """y, hn and cn (None but for LSTM) from whatever the module returned."""
    is_lstm = case["cell"] == "lstm"
    if case["single_cell"]:
        hn, cn = output if is_lstm else (output, None)
        return hn, hn, cn
    y, state = output
    hn, cn = state if is_lstm else (state, None)
    return (y.data if isinstance(y, PackedSequence) else y), hn, cn


def compute(case, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    module = network(case, dtype)
    module.train()
    bound = case["H"] ** -0.5
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_((torch.rand(parameter.shape, generator=generator, dtype=dtype) * 2 - 1) * bound)
    x, module_input = input_of(case, generator, dtype)
    leading = (case["N"],) if case["single_cell"] else (case["L"] * case["D"], case["N"])
    h0 = random_leaf(generator, dtype, *leading, case["P"] or case["H"])
    c0 = random_leaf(generator, dtype, *leading, case["H"]) if case["cell"] == "lstm" else None
    if not case["states"]:
        output = module(module_input)
    else:
        output = module(module_input, h0 if c0 is None else (h0, c0))
    y, hn, cn = outputs_of(case, output)
    dy, dhn = (torch.randn(t.shape, generator=generator, dtype=dtype) for t in (y, hn))
    loss = (y * dy).sum() + (hn * dhn).sum()
    tensors = dict(x=x, y=y, hn=hn, dy=dy, dhn=dhn)
    if cn is not None:
        dcn = torch.randn(cn.shape, generator=generator, dtype=dtype)
        loss = loss + (cn * dcn).sum()
        tensors.update(cn=cn, dcn=dcn)
    loss.backward()
    tensors["dx"] = x.grad
    if case["states"]:
        tensors.update(h0=h0, dh0=h0.grad)
        if c0 is not None:
            tensors.update(c0=c0, dc0=c0.grad)
    # One flat array each, in PyTorch's own order; the names go into the metadata, where the tests check them.
    case["params"] = [name for name, _ in module.named_parameters()]
    tensors["params"] = torch.cat([p.reshape(-1) for p in module.parameters()])
    tensors["dparams"] = torch.cat([p.grad.reshape(-1) for p in module.parameters()])
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def main():
    torch.set_num_threads(1)
    for dtype, short in ((torch.float64, "f64"), (torch.float32, "f32")):
        described, tensors = [], {}
        for index, case in enumerate(cases()):
            computed = compute(case, dtype, seed=1000 + index)
            tensors.update({f"{case['name']}/{name}": tensor for name, tensor in computed.items()})
            described.append(case)
        made_with = f"PyTorch {torch.__version__.split('+')[0]}, CPU, one thread"
        # One entry only: safetensors writes several in no fixed order, and a second run should give the same bytes.
        metadata = {"goldens": json.dumps(dict(made_with=made_with, cases=described), separators=(",", ":"))}
        path = HERE / f"torch_{short}.safetensors"
        path.write_bytes(safetensors.torch.save(tensors, metadata=metadata))
        print(f"{path.name}: {len(described)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
