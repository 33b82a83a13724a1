"""Medians, ratios of what was measured side by side, and how much of a ratio is the machine's own noise."""

import statistics
from dataclasses import dataclass


def percentile(values, part: float) -> float:
    """`part` from 0 to 1; linear between the two nearest."""
    ordered = sorted(values)
    at = part * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


@dataclass
class Spread:
    """The middle and the tenths at both ends."""

    p10: float
    p50: float
    p90: float

    @classmethod
    def of(cls, values) -> "Spread":
        return cls(*(percentile(values, part) for part in (0.1, 0.5, 0.9)))


def ratios(measured, reference) -> list[float]:
    """Round by round: what slows the whole machine slows both."""
    return [one / other for one, other in zip(measured, reference, strict=True)]


def differences(measured, reference) -> list[float]:
    return [one - other for one, other in zip(measured, reference, strict=True)]


median = statistics.median


def turns(names: list, turn: int) -> list:
    """The order of a round: nobody is always first, or always after the same one."""
    at = turn % len(names)
    order = names[at:] + names[:at]
    return order if turn // len(names) % 2 == 0 else order[::-1]
