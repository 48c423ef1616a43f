"""The search: batch after batch, ask all studies, train what is not recorded, judge, tell.

What every study was told lies in the run folder, and what it asks next follows from that alone. So
a search that was interrupted goes on with the settings that it would have tried.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features import Features
from results.searched import ASKED, read_chosen, read_tries, write_chosen, write_tries
from sweep.arms import Arm, hashed
from sweep.judging import Course, judge, read_courses
from sweep.plan import Job
from sweep.pruning import Bar, best_so_far, draw_bar
from sweep.sampling import Try
from sweep.space import Setting
from sweep.studies import Study, studies_of

Bars = Mapping[str, Sequence[Bar]]
"""What stops an arm, by its key: all of them together."""

Train = Callable[[Sequence[Arm], Sequence[Arm], Bars], None]
"""Trains and records arms: those wanted together, those of them that are to do, and their bars."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Searched:
    """What a search led to.

    Attributes:
        tries: keys of the arms that were tried.
        arms: arms wanted with the settings that were chosen.
        lost: groups of arms without a setting, as no try of a study can be used.
        failed: arms that were tried and failed.
    """

    tries: frozenset[str]
    arms: Sequence[Arm]
    lost: int
    failed: int


@dataclass(frozen=True)
class _Asked:
    """A setting that a study wants to try."""

    study: Study
    setting: Setting
    arm: Arm
    bar: Bar

    @property
    def warmup(self) -> int:
        return self.study.warmup(self.setting)


class Search:
    """A search under way.

    Args:
        job: the job, which has a search.
        features: by language.

    Raises:
        RecordError: what was tried so far cannot be read.
    """

    def __init__(self, job: Job, features: Mapping[str, Features]) -> None:
        self.job = job
        self.cases = studies_of(job, features)
        self.studies = [study for case in self.cases for study in case]
        self.settings = self.studies[0].search
        self.written: dict[str, list[dict[str, Any]]] = {}
        for row in read_tries(job.run).to_pylist():
            self.written.setdefault(row["study"], []).append(row)
        self.told = {study.key: _told(self.written.get(study.key, ())) for study in self.studies}
        self.courses: dict[str, Course] = {}

    def run(self, train: Train, say: Say) -> Searched:
        """Try settings, and choose.

        Args:
            train: trains and records arms.
            say: told a line of every batch, and of what cannot be chosen.

        Raises:
            RecordError: records cannot be read or written.
        """
        if self.settings.prune:
            self._read(attempt.arm for told in self.told.values() for attempt in told)
        self._try_again(train, say)
        batches = -(-self.settings.tries // self.settings.batch)
        for batch in range(batches):
            asked = self._ask(batch)
            if asked:
                self._record(asked, batch)
                self._train(asked, f"search: batch {batch + 1} of {batches}", train, say)
                self._tell(asked, batch)
            self._record()
        return self._choose(say)

    def _try_again(self, train: Train, say: Say) -> None:
        """Train the tries that failed in an earlier run, and put right what studies were told."""
        failed = [
            (attempt, self._asked(study, attempt.setting, attempt.batch))
            for study in self.studies
            for attempt in self._counted(study)
            if attempt.status == "failed"
        ]
        if failed:
            self._train([one for _, one in failed], "search: failed before", train, say)
        for attempt, one in failed:
            told = self.told[one.study.key]
            told[attempt.number] = self._judged(one, attempt.number, attempt.batch)

    def _ask(self, batch: int) -> list[_Asked]:
        """What all studies want to try next."""
        return [
            self._asked(study, setting, batch)
            for study in self.studies
            for setting in study.ask(self.told[study.key], batch)
        ]

    def _asked(self, study: Study, setting: Setting, batch: int) -> _Asked:
        """A setting that a study tries in a batch."""
        return _Asked(study, setting, study.arm(setting), self._bar(study, batch))

    def _bar(self, study: Study, batch: int) -> Bar:
        """What stops the tries of a batch."""
        earlier = [
            best_so_far(course.scores[study.part][: tried.epochs], study.warmup(tried.setting))
            for tried in self.told[study.key]
            if tried.batch < batch and tried.status in ("ok", "pruned")
            if (course := self.courses.get(tried.arm))
        ]
        earlier = earlier if self.settings.prune else []
        return draw_bar(self.settings.metric, study.part, study.train.epochs, earlier)

    def _train(self, asked: Sequence[_Asked], where: str, train: Train, say: Say) -> None:
        """Train the arms that are not recorded, or not for long enough."""
        wanted = {one.arm.key: one.arm for one in asked}
        self._read(wanted)
        todo: dict[str, Arm] = {}
        for one in asked:
            course = self.courses.get(one.arm.key)
            if course is None or not course.settles(one.warmup, one.bar):
                todo[one.arm.key] = one.arm
        studies = len({one.study.key for one in asked})
        counts = f"{_several(studies, 'study', 'studies')}, {_several(len(wanted), 'setting')}"
        say(f"{where}, {counts}, {len(todo)} to train")
        if todo:
            bars = {key: [one.bar for one in asked if one.arm.key == key] for key in todo}
            train(list(wanted.values()), list(todo.values()), bars)
            self._read(todo)

    def _read(self, arms: Iterable[str]) -> None:
        """Read what arms recorded."""
        self.courses |= read_courses(self.job.run, set(arms), self.settings.metric)

    def _tell(self, asked: Sequence[_Asked], batch: int) -> None:
        """Tell every study, in the order in which it asked."""
        for one in asked:
            told = self.told[one.study.key]
            told.append(self._judged(one, len(told), batch))

    def _judged(self, one: _Asked, number: int, batch: int) -> Try:
        """What a study is told of a try."""
        verdict = judge(self.courses[one.arm.key], one.warmup, one.bar)
        return Try(
            number=number,
            batch=batch,
            setting=one.setting,
            arm=one.arm.key,
            value=verdict.value,
            status=verdict.status,
            epochs=verdict.epochs,
        )

    def _record(self, asked: Sequence[_Asked] = (), batch: int = 0) -> None:
        """Write what studies were told and what they ask, where that has changed.

        Asked settings are written before they are trained, so that nobody takes their arms for
        arms that an experiment wants.
        """
        ahead: dict[str, list[Try]] = {study.key: [] for study in self.studies}
        for one in asked:
            key = one.study.key
            number = len(self.told[key]) + len(ahead[key])
            ahead[key].append(Try(number, batch, one.setting, one.arm.key, None, ASKED, 0))
        for study in self.studies:
            told = self.told[study.key]
            best = _best(self._counted(study))
            rows = [_row(study, each, each is best) for each in [*told, *ahead[study.key]]]
            if rows != self.written.get(study.key, []):
                write_tries(self.job.run, study.key, rows)
                self.written[study.key] = rows

    def _counted(self, study: Study) -> list[Try]:
        """The tries that count: all studies have the same number, even where one had more once."""
        return self.told[study.key][: self.settings.tries]

    def _choose(self, say: Say) -> Searched:
        """The arms of the best settings; what was chosen is recorded before they are trained."""
        arms: dict[str, Arm] = {}
        lost = 0
        earlier = read_chosen(self.job.run).to_pylist()
        trains, seeds = self.job.experiment.train_settings(), self.job.experiment.grid.seed
        for case in self.cases:
            best = {study.part: _best(self._counted(study)) for study in case}
            chosen = {part: attempt.setting for part, attempt in best.items() if attempt}
            if len(chosen) < len(best):
                parts = " and ".join(part for part in best if part not in chosen)
                say(f"search: no try of {case[0].case} on {parts} can be used, it is not trained")
                lost += len(trains)
                continue
            for train in trains:
                group = hashed([[study.key for study in case], train.model_dump(mode="json")])
                rows = []
                for study in case:
                    setting = chosen[study.part]
                    trained = [study.case.arm(train, setting, seed) for seed in seeds]
                    arms |= {arm.key: arm for arm in trained}
                    choice = {"cell": trained[0].cell, "setting": json.dumps(setting)}
                    rows.append(study.columns | {"group": group, **choice, "current": True})
                before = [row | {"current": False} for row in earlier if row["group"] == group]
                now = [row | {"current": False} for row in rows]
                write_chosen(self.job.run, group, rows + [row for row in before if row not in now])
        tries = [attempt for study in self.studies for attempt in self._counted(study)]
        failed = {attempt.arm for attempt in tries if attempt.status == "failed"}
        tried = frozenset(attempt.arm for attempt in tries)
        return Searched(tried, list(arms.values()), lost, len(failed))


def _several(number: int, one: str, more: str = "") -> str:
    """`1 study`, `2 studies`."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def _told(rows: Iterable[Mapping[str, Any]]) -> list[Try]:
    """What a study was told, from its records.

    What failed is tried again in its place; what was asked after it stays. But where no try could
    be used nothing depends on them, and the study begins again.
    """
    told = [
        Try(
            number=row["number"],
            batch=row["batch"],
            setting=json.loads(row["setting"]),
            arm=row["arm"],
            value=row["value"],
            status=row["status"],
            epochs=row["epochs"],
        )
        for row in sorted(rows, key=lambda row: row["number"])
        if row["status"] != ASKED
    ]
    return told if _best(told) else []


def _best(told: Sequence[Try]) -> Try | None:
    """The best try, of equal ones the first; one that was stopped is none."""
    usable = [attempt for attempt in told if attempt.status == "ok"]
    return max(usable, key=lambda attempt: attempt.value or 0.0, default=None)


def _row(study: Study, attempt: Try, best: bool) -> dict[str, Any]:
    """A row of `tries`."""
    return study.columns | {
        "number": attempt.number,
        "batch": attempt.batch,
        "arm": attempt.arm,
        "setting": json.dumps(attempt.setting),
        "value": attempt.value,
        "status": attempt.status,
        "epochs": attempt.epochs,
        "best": best,
    }
