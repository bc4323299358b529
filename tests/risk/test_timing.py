"""Timing: networks are called in turn, and the clock runs around one call alone."""

import time

import torch

from visionfail.risk import timing


def test_networks_are_called_in_turn(monkeypatch):
    called = []
    clock = {"now": 0.0}

    def network(name, milliseconds):
        def ask(images):
            called.append((name, len(images)))
            clock["now"] += milliseconds / 1000

        return ask

    monkeypatch.setattr(time, "perf_counter", lambda: clock["now"])
    networks = {"slow": network("slow", 8), "fast": network("fast", 2)}
    taken = timing.milliseconds(networks, torch.zeros(5, 3, 4, 4), repeats=4)
    assert {name: values.round(6).tolist() for name, values in taken.items()} == {
        "slow": [8.0] * 4,
        "fast": [2.0] * 4,
    }
    warmed = 2 * timing.WARM_UP
    turn = [("slow", 5)] * 2 + [("fast", 5)] * 2  # the first of each two does not count
    assert called[warmed:] == turn * 4
    assert sorted(called[:warmed]) == [("fast", 5)] * 3 + [("slow", 5)] * 3
