"""The driver's side of a sweep on Tune: which trial comes next, and what becomes of each."""

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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

JUDGE_EVERY = 1.0
"""Seconds between two looks at trials whose machines may have been lost."""


class Reporter(tune.Callback):
    """Passes what trials report on to the watcher; sees to those whose process died.

    Attributes:
        specs: the trials, and the parts of those that are tried again in parts.
        ahead: indices of those to start, the next one first.
        later: indices of those for the next experiment of Tune, which does not know them yet.
        open: indices of those handed to Tune that have not ended.
        abort: why the sweep has to end, if it has to.

    Args:
        specs: the trials.
        watcher: told of what they report.
        cluster: where they run.
        check: raises an interrupt that was swallowed.
    """

    def __init__(
        self,
        specs: Sequence[TrialSpec],
        watcher: Watcher,
        cluster: Cluster,
        check: Callable[[], None],
    ) -> None:
        self.specs = list(specs)
        self.watcher = watcher
        self.cluster = cluster
        self.check = check
        self.abort = ""
        self.ahead = deque(range(len(self.specs)))
        self.later: list[int] = []
        self.open: set[int] = set()
        self._running: set[int] = set()
        self._doubtful: set[int] = set()
        self._judged = 0.0
        self._nodes: dict[str, str] = {}  # by the id of the process, an actor, on them
        self._actors: dict[int, str] = {}
        self._said: set[str] = set()
        self._faults = Faults(cluster.lost, cluster.answers)

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles callbacks to restore a sweep from, which we never do."""
        return {}

    def next_trial(self) -> int | None:
        """The trial to start next; None while there is none, and none may come."""
        self.check()
        self._judge()
        if not self.ahead:
            return None
        self.open.add(self.ahead[0])
        return self.ahead.popleft()

    @property
    def over(self) -> bool:
        """Whether Tune has nothing more to do."""
        return bool(self.abort) or not (self.ahead or self.open or self._doubtful)

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Say what is new of the machines."""
        self.check()
        for line in self.cluster.news(bool(self._running)):
            self._say(line)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial begins, or begins again."""
        index = trial.config["trial"]
        self._running.add(index)
        self._actors.pop(index, None)
        self.watcher.started(self.specs[index])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Pass a report on, unless it says that nothing can be recorded."""
        index = trial.config["trial"]
        self._nodes[result["actor"]] = result["node"]
        self._actors[index] = result["actor"]
        self.abort = self.abort or result["abort"]
        if result["abort"]:
            return
        notes = tuple(note for note in result["notes"] if note not in self._said)
        self._said.update(notes)
        ended = tuple(Ended(*fields) for fields in result["ended"])
        self._advanced(
            index, Advance(result["share"], result["done"], ended, notes), result["host"]
        )

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A try failed."""
        account = Path(trial.error_file).read_text().strip() if trial.error_file else ""
        try:
            self._failed(trial.config["trial"], account)
        except RecordError as error:
            self.abort = self.abort or str(error)

    def crashed(self, error: Exception) -> None:
        """Tune itself failed: what was under way is started again.

        Raises:
            RecordError: nothing was.
        """
        if not self.open:
            raise RecordError(f"Ray failed: {one_line(error)}") from error
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

    def _failed(self, index: int, account: str) -> None:
        """A try failed: find out what is known of it, and see what is to become of its trial."""
        spec, begun = self.specs[index], index in self._running
        self.open.discard(index)
        self._running.discard(index)
        actor = _ACTOR.search(account)
        fault = Fault(last_words(account), self._nodes.get(actor[1], "") if actor else "")
        if not begun or "node has died" in account:
            fault.blame = Blame.MACHINE
        elif note := hang_note(spec):
            fault.words, fault.blame = note, Blame.HANG
        elif not _died(account):
            fault.blame = Blame.PROCESS
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
            self.abort = self.abort or str(full)
            return
        self._advanced(index, Advance(1.0, True, ended))

    def _advanced(self, index: int, advance: Advance, host: str = "") -> None:
        if advance.finished:
            self.open.discard(index)
            self._running.discard(index)
        self.watcher.advanced(self.specs[index], advance, host)

    def _say(self, line: str) -> None:
        self.watcher.console.print(Text(line), soft_wrap=True)


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
    """Ends the sweep when its records cannot be written.

    Args:
        reporter: knows.
    """

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether a trial that reported this is to stop."""
        return bool(self.reporter.abort or result["abort"])

    def stop_all(self) -> bool:
        """Whether all trials are to stop."""
        return bool(self.reporter.abort)

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
    if _died(account):  # the rest is identifiers
        return "killed, out of memory, or crashed"
    lines = [line.strip() for line in account.splitlines()]
    return next((line for line in reversed(lines) if _EXCEPTION.match(line)), lines[-1])
