"""Packed sequences against their definition, and against torch.nn.utils.rnn where torch is installed.

Element types that the library does not know take another way than the others, so both are tried."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import rondo


def packed_by_hand(padded, lengths, batch_first):
    rows = padded if batch_first else np.swapaxes(padded, 0, 1)
    order = sorted(range(len(lengths)), key=lambda n: -lengths[n])
    steps = [[rows[n, t] for n in order if lengths[n] > t] for t in range(max(lengths, default=0))]
    data = [row for step in steps for row in step]
    return np.array(data, padded.dtype).reshape(-1, *padded.shape[2:]), [len(step) for step in steps], order


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int8, np.bool_, np.complex64])
@pytest.mark.parametrize("trailing", [(), (3,), (2, 3)])
@pytest.mark.parametrize("lengths", [[2, 4, 1, 4], [4, 3, 2, 2], [0, 3, 0, 1], [0, 0, 0, 0]])
def test_packing_and_back(lengths, trailing, dtype, batch_first):
    shape = (4, 5) if batch_first else (5, 4)
    padded = np.random.default_rng(1).integers(0, 99, (*shape, *trailing)).astype(dtype)
    data, batch_sizes, order = packed_by_hand(padded, lengths, batch_first)
    packed = rondo.pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=False)
    assert packed.data.dtype == dtype
    assert np.array_equal(packed.data, data)
    assert packed.batch_sizes.tolist() == batch_sizes
    assert packed.sorted_indices.tolist() == order
    assert packed.unsorted_indices[packed.sorted_indices].tolist() == [0, 1, 2, 3]
    again, found = rondo.pad_packed_sequence(packed, batch_first, padding_value=1, total_length=6)
    assert found.tolist() == lengths
    rows = again if batch_first else np.swapaxes(again, 0, 1)
    given = padded if batch_first else np.swapaxes(padded, 0, 1)
    assert rows.shape == (4, 6, *trailing)
    for n, length in enumerate(lengths):
        assert np.array_equal(rows[n, :length], given[n, :length])
        assert (rows[n, length:] == 1).all()
    assert rondo.pad_packed_sequence(packed, batch_first)[0].shape[int(batch_first)] == max(lengths)


def test_sorted_rows_need_no_indices():
    packed = rondo.pack_sequence([np.arange(3.0), np.arange(2.0), np.arange(1.0)])
    assert packed.data.tolist() == [0, 0, 0, 1, 1, 2]
    assert (packed.sorted_indices, packed.unsorted_indices) == (None, None)
    empty = rondo.pack_padded_sequence(np.ones((3, 2)), [3, 0])
    assert empty.sorted_indices.tolist() == [0, 1]
    assert rondo.pad_packed_sequence(empty)[1].tolist() == [3, 0]


def test_a_packed_sequence_is_a_tuple_that_pickles():
    packed = rondo.pack_sequence([np.arange(3.0), np.arange(4.0)], enforce_sorted=False)
    data, batch_sizes, sorted_indices, unsorted_indices = packed
    other = pickle.loads(pickle.dumps(packed))
    assert type(other) is rondo.PackedSequence
    assert all(np.array_equal(a, b) for a, b in zip(packed, other))
    assert repr(packed).startswith("PackedSequence(data=array([0.")
    assert np.array_equal(rondo.PackedSequence(data, batch_sizes, sorted_indices).unsorted_indices, unsorted_indices)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: rondo.pack_padded_sequence(np.ones((3, 2)), [1, 2]),
            RuntimeError,
            r"lengths\[1\] is 2, more than the 1",
        ),
        (lambda: rondo.pack_padded_sequence(np.ones((3, 2)), [4, 2]), RuntimeError, r"lengths\[0\] is 4, but T is 3"),
        (lambda: rondo.pack_padded_sequence(np.ones((3, 2)), [3, -1]), RuntimeError, r"lengths\[1\] is -1"),
        (lambda: rondo.pack_padded_sequence(np.ones((3, 2)), [3]), RuntimeError, "lengths has 1 entries, expected 2"),
        (lambda: rondo.pack_padded_sequence(np.ones(3), [3]), RuntimeError, r"expected \(T, N, \*\)"),
        (lambda: rondo.pack_padded_sequence(np.ones((3, 2)), [2.0, 1.0]), TypeError, "lengths has dtype float64"),
        (lambda: rondo.pack_padded_sequence("text", [1]), TypeError, "input is of type str, expected an array"),
        (lambda: rondo.pack_sequence([]), ValueError, "sequences is empty"),
        (
            lambda: rondo.pack_sequence([np.ones((3, 2)), np.ones((3, 1))]),
            ValueError,
            r"sequences\[1\] has shape \(3, 1\)",
        ),
        (lambda: rondo.pad_packed_sequence(np.ones(3)), TypeError, "expected a PackedSequence"),
        (
            lambda: rondo.pad_packed_sequence(rondo.pack_sequence([np.ones(3)]), total_length=2),
            ValueError,
            "total_length is 2, expected 3",
        ),
        (lambda: rondo.PackedSequence(np.ones(3), [2, 2]), ValueError, "expected 4 rows"),
        (lambda: rondo.PackedSequence(np.ones(3), [2, 1], [0, 0]), ValueError, "expected a permutation of 0 to 1"),
        (
            lambda: rondo.pad_packed_sequence(rondo.PackedSequence(np.ones(3), [1, 2])),
            RuntimeError,
            r"batch_sizes\[1\] is 2, expected 1 to 1",
        ),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_as_torch(batch_first, enforce_sorted):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch.nn.utils import rnn

    lengths = [4, 4, 2, 1] if enforce_sorted else [2, 4, 1, 4]
    padded = torch.randn((4, 5, 3) if batch_first else (5, 4, 3))
    theirs = rnn.pack_padded_sequence(padded, torch.tensor(lengths), batch_first, enforce_sorted)
    ours = rondo.pack_padded_sequence(padded, torch.tensor(lengths), batch_first, enforce_sorted)
    assert np.array_equal(theirs.data, ours.data)
    assert theirs.batch_sizes.tolist() == ours.batch_sizes.tolist()
    if enforce_sorted:
        assert (theirs.sorted_indices, ours.sorted_indices) == (None, None)
    back, found = rnn.pad_packed_sequence(theirs, batch_first, -1.0, 7)
    mine, same = rondo.pad_packed_sequence(ours, batch_first, -1.0, 7)
    assert np.array_equal(back, mine)
    assert found.tolist() == same.tolist()
