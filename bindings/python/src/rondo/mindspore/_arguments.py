"""What every module's construct does with its arguments before the call.

MindSpore's graph compiler parses this file's source, so it stays within the Python that the compiler reads."""

from mindspore import Tensor


def tensor(owner, name, value):  # type: ignore[no-untyped-def]
    if not isinstance(value, Tensor):
        raise TypeError(owner + ": " + name + " is no Tensor, expected one")
    return value


def optional(owner, name, value, absent):  # type: ignore[no-untyped-def]
    if value is None:
        return absent
    return tensor(owner, name, value)


def pair(owner, hx):  # type: ignore[no-untyped-def]
    if not isinstance(hx, tuple):
        raise TypeError(owner + ": hx is no tuple, expected the two Tensors (h_0, c_0)")
    if len(hx) != 2:
        raise TypeError(owner + ": hx is a tuple of another length than 2, expected (h_0, c_0)")
    return tensor(owner, "hx[0]", hx[0]), tensor(owner, "hx[1]", hx[1])


def in_type(params, dtype):  # type: ignore[no-untyped-def]
    """The parameters in x's element type, as MindSpore computes; the cast has a gradient of its own."""
    if params[0].dtype == dtype:
        return params
    cast = []
    for param in params:
        cast.append(param.astype(dtype))
    return tuple(cast)
