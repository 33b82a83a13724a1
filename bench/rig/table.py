"""What a line of the bench says, on the terminal and as JSON."""

from dataclasses import asdict, dataclass, field

from .stats import Spread, differences, median, ratios


@dataclass
class Row:
    """One line of the table. A text that is empty: there is none."""

    name: str
    reference: str = ""  # what it is measured against, with its median
    measured: str = ""
    result: str = ""  # what the goal is about
    spread: str = ""  # p10..p90 of the result, round by round
    noise: str = ""  # p10..p90 of the reference against itself, measured in the same rounds in the same way
    goal: str = ""
    reached: bool | None = None  # None: there is no goal
    numbers: dict = field(default_factory=dict)  # everything behind it, in base units


COLUMNS = {"line": "name", "against": "reference", "measured": "measured", "result": "result", "p10..p90": "spread",
           "noise": "noise", "goal": "goal"}


def table(rows: list[Row]) -> str:
    lines = [[*COLUMNS, "reached"]]
    for row in rows:
        verdict = {None: "", True: "yes", False: "NO"}[row.reached]
        lines.append([*(getattr(row, name) for name in COLUMNS.values()), verdict])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def as_json(row: Row) -> dict:
    return asdict(row)


def span(spread: Spread, form: str) -> str:
    return f"{spread.p10:{form}}..{spread.p90:{form}}"


def ratio_row(name, labels, reference, measured, again, unit, goal=None, **numbers) -> Row:
    """Three series of the same rounds: the reference, what is measured, and the reference once more."""
    result, noise = Spread.of(ratios(measured, reference)), Spread.of(ratios(again, reference))
    scale, word = unit
    return Row(name, f"{labels[0]} {median(reference) / scale:.4g} {word}",
               f"{labels[1]} {median(measured) / scale:.4g} {word}", f"{result.p50:.3f}", span(result, ".3f"),
               span(noise, ".3f"), f"<= {goal}" if goal else "", result.p50 <= goal if goal else None,
               {"rounds": len(reference), "ratio": asdict(result), "noise": asdict(noise),
                "reference": asdict(Spread.of(reference)), "measured": asdict(Spread.of(measured)), **numbers})


def difference_row(name, labels, reference, measured, again, unit, goal, **numbers) -> Row:
    """As ratio_row, for what is added to the reference."""
    result, noise = Spread.of(differences(measured, reference)), Spread.of(differences(again, reference))
    scale, word = unit
    scaled = [Spread(*(value / scale for value in (one.p10, one.p50, one.p90))) for one in (result, noise)]
    return Row(name, f"{labels[0]} {median(reference) / scale:.4g} {word}",
               f"{labels[1]} {median(measured) / scale:.4g} {word}", f"{scaled[0].p50:+.2f} {word}",
               span(scaled[0], "+.2f"), span(scaled[1], "+.2f"), f"<= {goal / scale:g} {word}", result.p50 <= goal,
               {"rounds": len(reference), "added": asdict(result), "noise": asdict(noise),
                "reference": asdict(Spread.of(reference)), "measured": asdict(Spread.of(measured)), **numbers})


MICROSECONDS, MILLISECONDS = (1e3, "us"), (1e6, "ms")  # of nanoseconds
