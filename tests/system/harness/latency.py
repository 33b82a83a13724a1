"""Whether something makes executions slower, on a machine that has other work: rounds in pairs, more of them until they tell."""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pairs:
    """Each round measures both, one after the other, so that both see the same machine; a round alone tells little."""

    usual: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [other / usual for usual, other in zip(self.usual, self.other)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def at_least(self) -> float:
        """What the median of all such ratios is not below, with 98 % confidence from six rounds on: an order statistic (sign
        test). Fewer rounds give the smallest."""
        number = len(self.usual)
        below = 0  # of 2^number ways in which the rounds can fall on the two sides of the median
        for rank in range(number):
            below += math.comb(number, rank)
            if below / 2 ** number > 0.02:
                return sorted(self.ratios)[max(rank - 1, 0)]
        raise ValueError("no rounds")

    def __str__(self):
        return (f"p99 {statistics.median(self.usual):.0f} → {statistics.median(self.other):.0f} µs in {len(self.usual)} rounds, "
                f"{self.ratio:.2f} of it, at least {self.at_least:.2f}")


def compare(measure: Callable[[], tuple[float, float]], too_slow: Callable[[Pairs], bool], rounds: int, most_rounds: int) -> Pairs:
    """`rounds` of measure(), which gives the usual and the other value; up to `most_rounds` while that is too slow."""
    pairs = Pairs()
    while len(pairs.usual) < rounds or (too_slow(pairs) and len(pairs.usual) < most_rounds):
        usual, other = measure()
        pairs.usual.append(usual)
        pairs.other.append(other)
    return pairs


def p99(times: list[int]) -> int:
    return sorted(times)[len(times) * 99 // 100]
