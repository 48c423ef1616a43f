"""The driver's side of a sweep on Tune: which trial comes next, and what becomes of each."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.search import Searcher
from rich.text import Text

from results.errors import RecordError, one_line
from sweep.executors.cluster import Cluster
from sweep.executors.faults import Blame, Fault, Faults, Verdict
from sweep.progress import Watcher
from sweep.recording import Ended, record_failure, recorded_so_far
from sweep.specs import TrialSpec, halves
from sweep.trial import Advance
from sweep.watchdog import hang_note

_EXCEPTION = re.compile(r"[\w.]+(Error|Exception)\b")
_ACTOR = re.compile(r"actor(?:_id| ID)?:? ([0-9a-f]{32})")
_RAISED = "raised in its creation task"
_ADDRESS = re.compile(r"\bip[:=] ?([0-9a-fA-F.:]+)")

JUDGE_EVERY = 1.0
"""Seconds between two looks at trials whose machines may have been lost."""

CRASHES = 3
"""Times in a row that Tune itself fails after which the sweep ends."""


class Reporter(tune.Callback):
    """Passes what trials report on to the watcher; sees to those whose process died.

    Attributes:
        specs: the trials, and the parts of those that are tried again in parts.
        ahead: indices of those to start, the next one first.
        later: indices of those for the next experiment of Tune, which does not know them yet.
        open: indices of those handed to Tune that have not ended.
        abort: why the sweep has to end, if it has to.
        broken: what was raised here, which Tune would pass on as a failure of its own.

    Args:
        specs: the trials.
        watcher: told of what they report.
        cluster: where they run.
        interrupted: says whether the user wants the sweep to end.
    """

    def __init__(
        self,
        specs: Sequence[TrialSpec],
        watcher: Watcher,
        cluster: Cluster,
        interrupted: Callable[[], bool],
    ) -> None:
        self.specs = list(specs)
        self.watcher = watcher
        self.cluster = cluster
        self.interrupted = interrupted
        self.abort = ""
        self.broken: Exception | None = None
        self.ahead = deque(range(len(self.specs)))
        self.later: list[int] = []
        self.open: set[int] = set()
        self._running: set[int] = set()
        self._doubtful: set[int] = set()
        self._judged = 0.0
        self._nodes: dict[str, str] = {}  # by the id of the process, an actor, on them
        self._actors: dict[int, str] = {}
        self._said: set[str] = set()
        self._crashes = 0
        self._faults = Faults(cluster.lost, cluster.answers)

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles callbacks to restore a sweep from, which we never do."""
        return {}

    def next_trial(self) -> int | None:
        """The trial to start next; None while there is none, and none may come."""
        with self._kept():
            self._judge()
        if not self.ahead or self.ending:
            return None
        self.open.add(self.ahead[0])
        return self.ahead.popleft()

    @property
    def ending(self) -> bool:
        """Whether the sweep has to end, whatever is still to do."""
        return bool(self.abort or self.broken) or self.interrupted()

    @property
    def over(self) -> bool:
        """Whether Tune has nothing more to do."""
        return self.ending or not (self.ahead or self.open or self._doubtful)

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Say what is new of the machines."""
        with self._kept():
            for line in self.cluster.news(bool(self._running)):
                self.watcher.say(Text(line))

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial begins, or begins again."""
        index = trial.config["trial"]
        self._running.add(index)
        self._actors.pop(index, None)
        with self._kept():
            self.watcher.started(self.specs[index])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Pass a report on, unless it says that nothing can be recorded."""
        index = trial.config["trial"]
        self._nodes[result["actor"]] = result["node"]
        self._actors[index] = result["actor"]
        self._crashes = 0
        self.end(result["abort"])
        if result["abort"]:
            return
        notes = tuple(note for note in result["notes"] if note not in self._said)
        self._said.update(notes)
        ended = tuple(Ended(*fields) for fields in result["ended"])
        advance = Advance(result["share"], result["done"], ended, notes)
        with self._kept():
            self._advanced(index, advance, result["host"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A try failed."""
        with self._kept():
            account = Path(trial.error_file).read_text().strip() if trial.error_file else ""
            try:
                self._failed(trial.config["trial"], account)
            except RecordError as error:
                self.end(str(error))

    def end(self, why: str) -> None:
        """The sweep has to end."""
        self.abort = self.abort or why

    def left(self) -> None:
        """Tune is through: what it should have ended and did not is started again.

        Raises:
            RecordError: that was of no use several times in a row.
        """
        if self.open and not self.ending:
            self._count_crash("its trials never ended")
            self.ahead.extend(sorted(self.open))
        self.open.clear()
        self._running.clear()

    def crashed(self, error: Exception) -> None:
        """Tune itself failed: what was under way is started again.

        Raises:
            RecordError: nothing was, or that was of no use several times in a row.
        """
        if not self.open:
            raise RecordError(f"Ray failed: {one_line(error)}") from error
        self._count_crash(one_line(error))
        account = str(error.__cause__ or error)
        named = set(_ACTOR.findall(account))
        guilty = {index for index in self._running if self._actors.get(index) in named}
        for index in guilty or self._running:
            blame = Blame.PROCESS if guilty else Blame.MACHINE
            self._faults.add(self.specs[index].name, Fault(last_words(account), "", blame))
        self._doubtful |= self.open
        self.open.clear()
        self._running.clear()
        self._judge()

    def _count_crash(self, why: str) -> None:
        self._crashes += 1
        if self._crashes >= CRASHES:
            raise RecordError(f"Ray failed {CRASHES} times in a row: {why}")

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """While entered, what is raised is kept: Tune would pass it on as a failure of its own."""
        try:
            yield
        except ray.exceptions.RayError:  # it is one of Ray's
            raise
        except Exception as error:
            self.broken = error
            raise

    def _failed(self, index: int, account: str) -> None:
        """A try failed: find out what is known of it, and see what is to become of its trial."""
        spec, begun = self.specs[index], index in self._running
        self.open.discard(index)
        self._running.discard(index)
        actor = _ACTOR.search(account)
        fault = Fault(last_words(account), self._nodes.get(actor[1], "") if actor else "")
        if "node has died" in account:
            fault.blame = Blame.MACHINE
        elif not begun:
            at = _ADDRESS.search(account)
            host = self.cluster.host(at[1]) if at else ""
            fault.words = f"{host or 'a machine'}: no trial can start there ({fault.words})"
            fault.begun = False
            if _RAISED in account:
                fault.blame = Blame.PROCESS
        elif note := hang_note(spec):
            fault.words, fault.blame = note, Blame.HANG
        elif not _died(account):
            fault.blame = Blame.PROCESS
        self.cluster.look_for(fault.node)
        if fault.blame is Blame.MACHINE or self.cluster.lost(fault.node):
            self.watcher.faulted()
        self._faults.add(spec.name, fault)
        self._doubtful.add(index)
        self._judged = 0.0
        self._judge()

    def _judge(self) -> None:
        """See what is to become of trials of which tries failed."""
        if not self._doubtful or time.monotonic() < self._judged + JUDGE_EVERY:
            return
        self._judged = time.monotonic()
        for index in sorted(self._doubtful):
            verdict = self._faults.verdict(self.specs[index].name)
            if verdict is Verdict.WAIT:
                continue
            self._doubtful.discard(index)
            if verdict is Verdict.AGAIN:
                self.ahead.appendleft(index)
            else:
                self._give_up(index)

    def _give_up(self, index: int) -> None:
        """Try the arms of a stack again in halves, for one of them may have killed the others."""
        spec = self.specs[index]
        if why := self._faults.unstarted(spec.name):
            self.end(why)
            return
        try:
            ended = recorded_so_far(spec)
            parts = halves(spec, len(ended))
            if len(parts) > 1 and not self._faults.innocent(spec.name):
                self.watcher.divided(spec, parts)
                self.later += range(len(self.specs), len(self.specs) + len(parts))
                self.specs += parts
            else:
                ended = record_failure(spec, self._faults.account(spec.name))
        except RecordError as full:
            self.end(str(full))
            return
        self._advanced(index, Advance(1.0, True, ended))

    def _advanced(self, index: int, advance: Advance, host: str = "") -> None:
        if advance.finished:
            self.open.discard(index)
            self._running.discard(index)
        self.watcher.advanced(self.specs[index], advance, host)


class Queue(Searcher):
    """Hands Tune the trials one by one, so that those to be tried again come first.

    Args:
        reporter: knows them.
    """

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self.reporter = reporter

    def suggest(self, trial_id: str) -> Any:
        """The next trial; None while it is open whether there will be one."""
        index = self.reporter.next_trial()
        if index is not None:
            return {"trial": index}
        return self.FINISHED if self.reporter.over else None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """The reporter is told more of it."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: a sweep is never restored from Tune's files."""


class StopOnAbort(tune.Stopper):
    """Ends the sweep when it has to end.

    Args:
        reporter: knows.
    """

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether a trial that reported this is to stop."""
        return self.reporter.ending or bool(result["abort"])

    def stop_all(self) -> bool:
        """Whether all trials are to stop."""
        return self.reporter.ending

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, see `Reporter`."""
        return {}


def _died(account: str) -> bool:
    """Whether a process is gone, by Ray's account of a failure; else it reported an exception."""
    return not account or "actor died" in account or " is unavailable:" in account


def last_words(account: str) -> str:
    """Why a trial's process died, in a line, by Ray's account of it."""
    if "low on memory" in account:
        return "killed, as its machine ran out of memory"
    if _died(account) and _RAISED not in account:  # the rest is identifiers
        return "killed, out of memory, or crashed"
    lines = [line.strip() for line in account.splitlines()]
    return next((line for line in reversed(lines) if _EXCEPTION.match(line)), lines[-1])
