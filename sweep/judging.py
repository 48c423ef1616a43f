"""How a try is judged: by what its arm recorded on one part of dev, and by nothing else."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from results.parts import read_groups
from results.records import winners
from sweep.plan import SETTLED
from sweep.pruning import Bar, best_so_far
from sweep.studies import HALVES

PARTS = ("dev", *HALVES)


@dataclass(frozen=True)
class Course:
    """What an arm recorded.

    Attributes:
        status: what became of it.
        scores: by part of dev, a metric after each epoch.
    """

    status: str
    scores: Mapping[str, Sequence[float]]

    def settles(self, warmup: int, bar: Bar) -> bool:
        """Whether it says all that a study wants to know: it need not be trained again."""
        return self.status in SETTLED or bar.stops(self.scores[bar.part], warmup) is not None


@dataclass(frozen=True)
class Verdict:
    """What a study is told of a try.

    Attributes:
        value: of its best epoch after the warm-up; None where its arm went wrong.
        status: `ok`, `pruned`, `diverged` or `failed`.
        epochs: epochs that it was judged on.
    """

    value: float | None
    status: str
    epochs: int


def judge(course: Course, warmup: int, bar: Bar) -> Verdict:
    """What a study is told of a try.

    Args:
        course: what its arm recorded.
        warmup: epochs of its warm-up.
        bar: what stops it; where its arm went on, the rest does not count.
    """
    scores = course.scores[bar.part]
    stop = bar.stops(scores, warmup)
    status = course.status if stop is None else "pruned"
    epochs = len(scores) if stop is None else stop
    reached = best_so_far(scores[:epochs], warmup)
    value = max(reached.values(), default=None)
    return Verdict(value if status in ("ok", "pruned") else None, status, epochs)


def read_courses(run: Path, arms: Collection[str], metric: str) -> dict[str, Course]:
    """What arms recorded, by key; those that are not recorded are absent.

    Args:
        run: the run folder.
        arms: keys of those to read.
        metric: that judges.

    Raises:
        RecordError: a part is damaged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    asked = pa.array(sorted(arms), pa.string())
    standing = winners(run, ("arm", "status", "finished", "part"))
    standing = standing.filter(pc.is_in(standing["arm"], asked)).to_pylist()
    parts = {row["arm"]: row["part"] for row in standing}
    scores: dict[str, dict[str, dict[int, float]]] = {
        arm: {part: {} for part in PARTS} for arm in parts
    }
    for group in read_groups(run, "epochs", ("arm", "epoch", "split", metric, "part")):
        rows = group.filter(pc.is_in(group["arm"], asked)).to_pylist()
        for row in rows:
            arm, split = row["arm"], row["split"]
            if split in PARTS and parts.get(arm) == row["part"]:
                scores[arm][split][row["epoch"]] = row[metric]
    return {
        row["arm"]: Course(
            row["status"],
            {part: [of[epoch] for epoch in sorted(of)] for part, of in scores[row["arm"]].items()},
        )
        for row in standing
    }
