"""How fast this machine is just now, for the limits of tests: shared machines lose and regain most of their speed."""

import time

_LOOPS = 400_000
_USUAL = 0.018
"""Seconds that the loop takes on the machine on which the limits were set, with nothing beside it."""


def slowness() -> float:
    """By how much everything takes longer than usual at this moment, other work on the machine included; 1 at least."""
    began = time.perf_counter()
    total = 0
    for number in range(_LOOPS):
        total += number
    return max(1.0, (time.perf_counter() - began) / _USUAL)
