"""The cell inside every module that leads a call to the library: eagerly in PyNative mode, as operators in a graph.

A compiled graph reads construct as source, and calls neither it nor __call__ as Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore import Tensor, get_context, nn, ops

from rondo._spec import Spec

from . import _eager, _graph
from ._problem import ABSENT, Problem

_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # MindSpore's modules hold all of one kind together


def _order(spec: Spec) -> tuple[int, ...]:
    each = spec.num_layers * spec.directions
    kinds = [next(i for i, kind in enumerate(_KINDS) if p.name.startswith(kind)) for p in spec.parameters]
    return tuple(
        kind * each + p.layer * spec.directions + p.direction for kind, p in zip(kinds, spec.parameters)
    )


class Run(nn.Cell):  # type: ignore[misc]
    """Takes x, h0, c0, seq_length, each a Tensor or the placeholder `absent`, and the parameters in MindSpore's order.

    Gives y, hn, cn in this order, in a graph with placeholders for those that a cell lacks, and then the reserve."""

    def __init__(self, name: str, spec: Spec) -> None:
        super().__init__()
        target = get_context("device_target")
        if target != "CPU":
            raise RuntimeError(f"rondo.mindspore.{name}: device_target is {target!r}, expected 'CPU'")
        self.problem = Problem(name, spec, _order(spec))
        self.absent = Tensor(np.zeros(ABSENT, np.float32))
        self.in_training = _graph.operator(self.problem, True)
        self.otherwise = _graph.operator(self.problem, False)

    def __call__(self, x: Any, h0: Any, c0: Any, seq_length: Any, params: Any) -> Any:
        return _eager.call(self.problem, self.training, (x, h0, c0, seq_length), params)

    def construct(self, x, h0, c0, seq_length, params):  # type: ignore[no-untyped-def]
        flat = []
        for param in params:
            flat.append(param.reshape((-1,)))
        flat = ops.concat(flat)
        if self.training:
            return self.in_training(x, h0, c0, seq_length, flat)
        return self.otherwise(x, h0, c0, seq_length, flat)
