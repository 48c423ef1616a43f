"""When a claim is confirmed, contradicted or undecided, and how that is said.

A claim is made of parts, each a difference with its interval over texts and seeds (over seeds
alone for what is read off learning curves). It is confirmed if every part is shown at the 5% level:
as all must be, that needs no correction. It is contradicted if the opposite of any is shown, after
Bonferroni's correction for their number, for any of many may look so by luck. Else it is undecided.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from results.contrast import ALPHA
from results.inference import LEVEL, MOST_SEEDS, Parts, seeds_to_decide
from results.pairing import Estimate
from results.words import p_value, points

CONFIRMED, CONTRADICTED, UNDECIDED = "confirmed", "contradicted", "undecided"

TWO_SIDED = 1 - 2 * ALPHA
"""Level of the interval that lies within the margins where two one-sided tests at 5% say so."""

_LISTED = 4
"""Parts that a sentence gives in full."""


@dataclass(frozen=True)
class Unit:
    """What a number is counted in.

    Attributes:
        name: behind a number; may be empty.
        show: a value as text, its sign always where asked.
        step: one of it, as it is recorded.
        grain: about the least change that can be recorded; 0 for none.
        most: how far from 0 it can be at most.
    """

    name: str
    show: Callable[[float, bool], str]
    step: float = 1.0
    grain: float = 0.0
    most: float = float("inf")


POINTS = Unit(" points", points, step=0.01, most=1.0)
EPOCHS = Unit(" epochs", lambda value, signed: points(value / 100, signed), grain=1.0)
PLAIN = Unit("", lambda value, signed: f"{value:{'+' if signed else ''}.2f}".replace("-", "−"))


@dataclass(frozen=True)
class Part:
    """One difference of a claim.

    Attributes:
        name: what it is of: "SAcc over BCE".
        found: the difference, or any number that is to be compared with 0.
        aim: ">", "<" or "=".
        margin: how far beyond 0 it is claimed to be; for "=" how near.
        unit: what it is counted in.
    """

    name: str
    found: Estimate
    aim: str = ">"
    margin: float = 0.0
    unit: Unit = POINTS

    @cached_property
    def parts(self) -> Parts | None:
        """Where its variance comes from; None for one seed.

        What is measured in steps varies at least as much as rounding makes the difference of two
        numbers vary: seeds that agree by chance are no certainty.
        """
        parts = self.found.parts
        if parts is None:
            return None
        least = self.unit.grain**2 / 6 / parts.seeds
        return replace(parts, over_seeds=max(parts.over_seeds, least))

    @property
    def ahead(self) -> float:
        """How far it is on the claimed side of the margin; below 0 on the other side."""
        value = self.found.value
        if self.aim == "=":
            return self.margin - abs(value)
        return (value if self.aim == ">" else -value) - self.margin

    def verdict(self, of: int = 1) -> str:
        """What it says of its claim.

        Args:
            of: parts of the claim, for which a contradiction is corrected.
        """
        if self.parts is None:
            return UNDECIDED
        p = self.parts.p(self.ahead)
        if self.ahead > 0:
            return CONFIRMED if p < (2 * ALPHA if self.aim == "=" else ALPHA) else UNDECIDED
        return CONTRADICTED if p * of < ALPHA else UNDECIDED

    @property
    def seeds_needed(self) -> int | None:
        """Seeds that would decide it with 80% power, if it is as it looks."""
        if not self.parts or not self.ahead:
            return None
        needed = seeds_to_decide(self.parts, self.ahead)
        return needed and max(needed, self.parts.seeds + 1)  # a correction may ask for more

    def __str__(self) -> str:
        show, value = self.unit.show, self.found.value
        if self.parts is None:
            low, high = self.found.over_texts
            spread = "" if low == high else f" [{show(low, False)}, {show(high, False)}]"
            return f"{self.name} {show(value, True)}{spread}"
        half = self.parts.half_width_at(TWO_SIDED if self.aim == "=" else LEVEL)
        low, high = max(value - half, -self.unit.most), min(value + half, self.unit.most)
        ends = f"[{show(low, False)}, {show(high, False)}]"
        tested = "" if self.aim == "=" else f" {p_value(self.parts.p(self.ahead))}"
        return f"{self.name} {show(value, True)} {ends}{tested}"


@dataclass(frozen=True)
class Opinion:
    """What is made of a claim.

    Attributes:
        verdict: confirmed, contradicted or undecided.
        because: the numbers behind it, in words.
    """

    verdict: str
    because: str


def decided(parts: Sequence[Part]) -> Opinion:
    """What the parts of a claim, one or more, make of it."""
    verdicts = [part.verdict(len(parts)) for part in parts]
    return Opinion(_overall(verdicts), _sentence(parts, verdicts))


def in_brief(parts: Sequence[Part]) -> str:
    """The verdict, the counts, and the part that is least shown."""
    verdicts = [part.verdict(len(parts)) for part in parts]
    worst = min(parts, key=lambda part: part.ahead)
    if len(parts) == 1:
        return f"{_overall(verdicts)} ({worst})"
    return f"{_overall(verdicts)} ({_counts(verdicts)}; last {worst})"


def _overall(verdicts: Sequence[str]) -> str:
    """The verdict on a claim from those on its parts."""
    if CONTRADICTED in verdicts:
        return CONTRADICTED
    return CONFIRMED if set(verdicts) == {CONFIRMED} else UNDECIDED


def _counts(verdicts: Sequence[str]) -> str:
    """How many parts are shown, and how many the other way."""
    against = verdicts.count(CONTRADICTED)
    shown = f"{verdicts.count(CONFIRMED)} of {len(verdicts)} shown"
    return shown + (f", {against} shown the other way" if against else "")


def _sentence(parts: Sequence[Part], verdicts: Sequence[str]) -> str:
    """The numbers behind a verdict; what stands against the claim comes first."""
    order = (CONTRADICTED, UNDECIDED, CONFIRMED)
    ranked = sorted(
        zip(parts, verdicts, strict=True), key=lambda one: (order.index(one[1]), one[0].ahead)
    )
    listed = "; ".join(str(part) for part, _ in ranked[:_LISTED])
    more = f"; {len(parts) - _LISTED} more" if len(parts) > _LISTED else ""
    several = f"{_counts(verdicts)}: " if len(parts) > 1 else ""
    least, most = (end(len(part.found.seeds) for part in parts) for end in (min, max))
    if least == 1:
        return f"{several}{listed}{more}. With one seed there is no test."
    seeds = f"{least} seeds" if least == most else f"{least} to {most} seeds"
    outlook = ""
    if _overall(verdicts) == UNDECIDED:
        outlook = _outlook([part for part, verdict in ranked if verdict == UNDECIDED])
    return f"{several}{listed}{more} ({_units(parts)}, {seeds}).{outlook}"


def _units(parts: Sequence[Part]) -> str:
    """What the numbers are, for the end of a list of them."""
    units = " and ".join(dict.fromkeys(part.unit.name.strip() for part in parts if part.unit.name))
    levels = {TWO_SIDED if part.aim == "=" else LEVEL for part in parts}
    intervals = " and ".join(f"{level:.0%}" for level in sorted(levels)) + " intervals"
    margins = {part.unit.show(part.margin, False) for part in parts if part.margin}
    within = f", margin {' and '.join(sorted(margins))}" if margins else ""
    return f"{units + ', ' if units else ''}{intervals}{within}"


def _outlook(open_: Sequence[Part]) -> str:
    """What would decide the parts that are open."""
    what = "it" if len(open_) == 1 else f"all {len(open_)} open ones"
    needed = [part.seeds_needed for part in open_]
    known = [number for number in needed if number is not None]
    if len(known) < len(needed):
        return f" Not even {MOST_SEEDS:,} seeds would decide {what}."
    each = " each" if len(open_) > 1 else ""
    return f" {max(known)} seeds would decide {what},{each} with 80% power."
