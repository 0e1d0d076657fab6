"""No call crashes the interpreter, whatever it is given: hypothesis runs in another process, and a crash fails here.

A call either raises one of Python's usual exceptions or gives results of the promised shapes."""

from __future__ import annotations

import pytest

PROGRAM = r'''
import faulthandler
import importlib.util
import sys
import warnings

faulthandler.enable()
warnings.simplefilter("ignore")

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rondo
from rondo._arrays import numpy_dtype

ALLOWED = (TypeError, ValueError, RuntimeError, OverflowError, ImportError, MemoryError, BufferError, AttributeError)
DTYPES = ["float64", "float32", "float16"]
if importlib.util.find_spec("ml_dtypes"):
    DTYPES.append("bfloat16")
small = st.integers(0, 5)
odd_numbers = st.one_of(st.integers(-3, 6), st.sampled_from([2**31, 2**63 - 1, -(2**63), 2**64, 2**70]))
strange = st.one_of(
    st.none(), st.booleans(), odd_numbers, st.floats(), st.text(max_size=3), st.binary(max_size=9), st.just(object()),
    st.lists(st.integers(-2, 7), max_size=5), st.just(np.float32(1)), st.just({}), st.just((1, 2)), st.just(np.ndarray),
)
arrays = st.builds(
    lambda shape, dtype, how: how(np.ones(shape, dtype)),
    st.lists(small, max_size=4),
    st.sampled_from(["f8", "f4", "f2", "i8", "i4", "u1", "?", "c8", "O", "S3", ">f4", "M8[s]", [("a", "f4")]]),
    st.sampled_from([
        lambda a: a, lambda a: a.T, lambda a: a[::-1] if a.ndim else a, lambda a: a[..., ::2] if a.ndim else a,
        lambda a: np.broadcast_to(a, (2, *a.shape)), lambda a: np.ma.masked_array(a),
        lambda a: memoryview(a) if a.dtype.kind in "fi" and a.dtype.isnative else a,
    ]),
)
anything = st.one_of(arrays, strange)
lengths = st.one_of(
    st.lists(st.integers(-1, 6), max_size=5),
    st.lists(st.integers(0, 3), max_size=3).map(lambda v: np.array(v, "i4")),
    anything,
)


class Liar:
    """Says it is an array, but is not."""

    def __init__(self, what):
        self.what = what

    def __dlpack_device__(self):
        return self.what if isinstance(self.what, tuple) else (1, 0)

    def __dlpack__(self, **_):
        return self.what


@st.composite
def modules(draw):
    kind = draw(st.sampled_from([rondo.RNN, rondo.LSTM, rondo.GRU, rondo.RNNCell, rondo.LSTMCell, rondo.GRUCell]))
    options = {"bias": draw(st.booleans()), "dtype": draw(st.sampled_from(DTYPES))}
    if "Cell" not in kind.__name__:
        options.update(num_layers=draw(st.integers(1, 3)), batch_first=draw(st.booleans()), bidirectional=draw(st.booleans()))
        options["dropout"] = draw(st.sampled_from([0.0, 0.5, 1.0]))
    if kind is rondo.LSTM:
        options["proj_size"] = draw(st.integers(0, 2))
    if draw(st.booleans()):
        options.update(cell_state_type="float32", param_grad_type="float32")
    module = kind(draw(st.integers(1, 4)), draw(st.integers(3, 5)), **options)
    return module.eval() if draw(st.booleans()) else module


# Ways to hand over an array that still fit, and ways that do not.
FIT = [
    lambda a: a, lambda a: np.asfortranarray(a), lambda a: a[::-1].copy()[::-1], lambda a: np.repeat(a, 2, 0)[::2],
    lambda a: np.frombuffer(b"." + a.tobytes(), np.uint8, offset=1).view(a.dtype).reshape(a.shape),
    lambda a: a if a.dtype.name == "bfloat16" else Liar(a.__dlpack__()),
]
SPOILED = [
    lambda a: a[:-1], lambda a: a[None], lambda a: a[0], lambda a: a[..., :-1],
    lambda a: a.astype("f8" if a.dtype != "f8" else "f4"), lambda a: a.tolist(), lambda a: a.astype(object),
    lambda a: np.concatenate([a, a]), lambda a: None, lambda a: Liar(5), lambda a: (a, a),
]


def spoil(draw, array):
    """Mostly the array as it fits."""
    try:
        return draw(st.sampled_from(FIT * 8 + SPOILED))(array)
    except (TypeError, ValueError, IndexError, BufferError):
        return array  # of a shape or kind that cannot be spoiled so


def spoil_all(draw, value):
    if isinstance(value, rondo.PackedSequence):
        return value if draw(st.integers(0, 2)) else value.with_data(spoil(draw, value.data))
    if isinstance(value, tuple):
        return tuple(spoil_all(draw, one) for one in value)
    return spoil(draw, value)


@st.composite
def inputs(draw, module):
    """x, hx and lengths that fit, or nearly."""
    dtype, width = module.dtype, module.input_size
    T, N, batched = draw(small), draw(small), draw(st.booleans())
    lengths = draw(st.one_of(st.none(), st.lists(st.integers(0, T), min_size=N, max_size=N)))
    lead = ((N, T) if module.batch_first else (T, N)) if batched else (T,)
    runs = (module.num_layers * module._spec.directions,)
    if "Cell" in type(module).__name__:
        lead, runs, lengths = ((N,) if batched else ()), (), None
    x = np.ones((*lead, width), numpy_dtype(dtype))
    rows = (N,) if batched else ()
    if runs and draw(st.booleans()) and draw(st.booleans()):
        parts = [np.ones((length, width), x.dtype) for length in draw(st.lists(small, min_size=1, max_size=4))]
        x, lengths, rows = rondo.pack_sequence(parts, enforce_sorted=False), None, (len(parts),)
    if not batched:
        lengths = None
    h = np.ones((*runs, *rows, module._spec.output_size), numpy_dtype(dtype))
    hx = h
    if module._spec.has_cell_state:
        c = np.ones((*runs, *rows, module.hidden_size), module._cell_dtype)
        hx = (h, c)
    if lengths is not None:
        kinds = [list, np.array, lambda v: np.array(v, "i4"), lambda v: [n + 1 for n in v], lambda v: v[1:]]
        lengths = draw(st.sampled_from(kinds))(lengths)
    return spoil_all(draw, x), draw(st.sampled_from([None, spoil_all(draw, hx)])), lengths


counts = {"right": 0, "refused": 0}


def attempt(call):
    try:
        result = call()
        counts["right"] += 1
        return result
    except ALLOWED:
        counts["refused"] += 1
        return None


@settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def calls(data):
    module = data.draw(modules())
    cell = "Cell" in type(module).__name__
    for _ in range(2):
        x, hx, lengths_of_x = data.draw(inputs(module))
        if data.draw(st.integers(0, 9)) == 9:
            x, hx, lengths_of_x = data.draw(anything), data.draw(anything), data.draw(lengths)
        out = attempt(lambda: module(x, hx) if cell else module(x, hx, lengths_of_x))
        if out is None:
            gradients = [data.draw(anything)] * (1 if cell else 2)
        else:
            gradients = [spoil_all(data.draw, out)] if cell else [spoil_all(data.draw, one) for one in out]
        found = attempt(lambda: module.backward(*gradients))
        if found is not None:
            named = {name: array.shape for name, array in module.state_dict().items()}
            assert {name: array.shape for name, array in found[2].items()} == named


@settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def constructors(data):
    kind = data.draw(st.sampled_from([rondo.RNN, rondo.LSTM, rondo.GRU, rondo.RNNCell, rondo.LSTMCell, rondo.GRUCell]))
    wrong = st.one_of(st.integers(-1, 6), strange.filter(lambda v: not isinstance(v, int) or v > 2**62))
    sizes = st.sampled_from(range(10)).flatmap(lambda n: wrong if n == 9 else st.integers(1, 6))
    names = ["num_layers", "bias", "dropout", "dtype", "device", "proj_size", "bidirectional", "padding_value", "backend",
             "single_cell", "cell_state_type", "fixed_batch", "persistent", "deterministic", "cell", "nonsense"]
    values = st.one_of(strange, st.integers(0, 3), st.sampled_from(DTYPES))
    options = data.draw(st.dictionaries(st.sampled_from(names), values, max_size=data.draw(st.integers(0, 2))))
    module = attempt(lambda: kind(data.draw(sizes), data.draw(sizes), **options))
    if module is not None:
        shape = (2, module.input_size) if module._spec.single_cell else (2, 1, module.input_size)
        attempt(lambda: module(np.ones(shape, numpy_dtype(module.dtype))))
        attempt(lambda: module.explain())
        kinds = st.sampled_from(["full", "lengths", "packed", "no"])
        attempt(lambda: module.explain(data.draw(odd_numbers), data.draw(odd_numbers), data.draw(kinds)))
        state = {name: data.draw(anything) for name in module.state_dict()}
        attempt(lambda: module.load_state_dict(state, strict=data.draw(st.booleans())))


@settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def packing(data):
    rows = data.draw(st.lists(small, min_size=1, max_size=4))
    first = data.draw(st.booleans())
    kind = data.draw(st.sampled_from(["f8", "f4", "f2", "i8", "u1", "?"]))
    array = np.ones((*((len(rows), 5) if first else (5, len(rows))), *data.draw(st.lists(small, max_size=2))), kind)
    of_rows = data.draw(st.one_of(st.just(rows), st.just(rows), lengths))
    packed = attempt(lambda: rondo.pack_padded_sequence(spoil(data.draw, array), of_rows, first, data.draw(st.booleans())))
    maybe = st.one_of(st.none(), lengths)
    made = attempt(lambda: rondo.PackedSequence(data.draw(anything), data.draw(lengths), data.draw(maybe), data.draw(maybe)))
    for sequence in (packed, made, data.draw(anything)):
        padding = data.draw(st.sampled_from([0, 1.5, float("nan"), None]))
        length = data.draw(st.one_of(st.none(), st.integers(-1, 9)))
        padded = attempt(lambda: rondo.pad_packed_sequence(sequence, data.draw(st.booleans()), padding, length))
        if padded is not None:
            assert len(padded[1]) == sequence.rows
        lstm = rondo.LSTM(2, 3, dtype="float64")
        attempt(lambda: lstm(sequence))
    attempt(lambda: rondo.pack_sequence(data.draw(st.one_of(anything, st.lists(anything, max_size=3)))))
    attempt(lambda: rondo.from_dlpack(data.draw(st.one_of(anything, anything.map(Liar)))))
    attempt(lambda: rondo.to_dlpack(data.draw(anything)))
    attempt(lambda: rondo.DeviceArray(data.draw(anything), data.draw(anything)))


for test in (calls, constructors, packing):
    counts.update(right=0, refused=0)
    test()
    print(test.__name__, counts, file=sys.stderr)
    assert min(counts.values()) >= EXAMPLES // 8, "most calls of these went one way"
print("done")
'''


@pytest.mark.parametrize("examples", [400])
def test_nothing_crashes(python, examples):
    pytest.importorskip("hypothesis", reason="hypothesis is not installed")
    assert python(PROGRAM.replace("EXAMPLES", str(examples))).strip() == "done"
