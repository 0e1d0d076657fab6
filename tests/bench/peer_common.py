"""What the Python peers share: the line protocol of tests/gpu/peer.h with the rounds of peer.cpp, and the values that
tests/gpu/shape.cpp draws, computed here once more (change both). It needs numpy and travels in the GPU bundle.
"""
import json
import math
import sys
import time

import numpy as np

from peer_shapes import uniform_at

POOL_SIZE = 1000003
ARRAY_STRIDE = 7919
# As tests/gpu/peer.cpp times a round.
LEAST_ROUND_SECONDS = 0.008
MOST_CALLS = 2000
LONG_CALL_SECONDS = 0.1
WARMING_SECONDS = 0.002


POOL = 2 * uniform_at(np.arange(POOL_SIZE, dtype=np.uint64)) - 1


def drawn(count, bound, array):
    """The first of count values, at most a pool of them; what follows repeats these."""
    return bound * np.roll(POOL, -(array * ARRAY_STRIDE % POOL_SIZE))[: min(count, POOL_SIZE)]


def calls_lasting(seconds, once):
    return min(MOST_CALLS, max(1, math.ceil(seconds / once)))


class Variant:
    """One way to run one shape. A peer's own has call(), and probes where its results can be compared."""

    calls = 1
    warming_calls = 0
    comparable = True

    def call(self):
        raise NotImplementedError

    def seconds(self, calls):
        start = time.perf_counter()
        for _ in range(calls):
            self.call()
        return time.perf_counter() - start

    def probe(self):
        """Some elements of y."""
        raise NotImplementedError

    def probe_dx(self):
        """Some elements of x's gradient, or None."""
        return None

    def seconds_a_call(self, first, enough):
        """Once the first call is over; a single short one would be cold and near the clock's own cost."""
        if first >= LONG_CALL_SECONDS:
            return first
        calls, seconds = 1, self.seconds(1)
        while seconds < enough and calls < MOST_CALLS:
            calls *= 4
            seconds = self.seconds(calls)
        return max(seconds / calls, 1e-7)

    def prepare(self, round_seconds):
        """Chooses how many calls a round has, and how many before it wake threads and caches."""
        first = self.seconds(1)
        once = self.seconds_a_call(first, round_seconds / 4)
        self.calls = calls_lasting(round_seconds, once)
        self.warming_calls = calls_lasting(WARMING_SECONDS, once) if once < LONG_CALL_SECONDS else 0

    def round_ms(self):
        """Milliseconds a call, over one round."""
        self.seconds(self.warming_calls)
        return 1e3 * self.seconds(self.calls) / self.calls


class Server:
    """Answers requests. candidates(shape) gives [(name, function that makes a Variant)]; errors are what refuses."""

    def __init__(self, version, candidates, errors, emptied=lambda: None):
        self.version, self.candidates, self.errors, self.emptied = version, candidates, errors, emptied
        self.opened = {}

    def answer(self, request):
        requests = {"open": self.open, "round": self.round, "close": self.close, "version": self.tell_version}
        return requests[request["do"]](request)

    def open(self, request):
        self.close(request)
        answer = {"variants": [], "refused": {}, "probe": {}, "probe_dx": {}}
        for name, make in self.candidates(request["shape"]):
            try:
                variant = make(request["shape"])
                variant.prepare(request.get("seconds", LEAST_ROUND_SECONDS))
                if variant.comparable:
                    answer["probe"][name] = variant.probe()
                    dx = variant.probe_dx()
                    if dx is not None:
                        answer["probe_dx"][name] = dx
                answer["variants"].append(name)
                self.opened[name] = variant
            except self.errors as error:
                answer["refused"][name] = str(error)
        return answer

    def round(self, _):
        return {"ms": {name: variant.round_ms() for name, variant in self.opened.items()}}

    def close(self, _):
        self.opened.clear()
        self.emptied()
        return {}

    def tell_version(self, _):
        return {"version": self.version}


def serve(server):
    """Until the input ends; gives back the exit status."""
    for line in sys.stdin:
        try:
            answer = server.answer(json.loads(line))
        except Exception as error:  # whatever it is, the peer lives on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    return 0
