"""Ray's handle on trials, in a process on a worker."""

import socket
import time
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import ray
from ray import tune

from features import InputError
from results.errors import RecordError
from sweep.errors import ExperimentError
from sweep.home import at_home
from sweep.packages import check_packages
from sweep.proof import Challenge, prove
from sweep.recording import Ended
from sweep.specs import TrialSpec
from sweep.trial import Advance, Trial, describe
from sweep.width import Width

REPORT_EVERY = 1.0
"""Seconds between the reports of a trial: each costs the driver some milliseconds."""


class StackTrainable(tune.Trainable):
    """Ray's handle on a `Trial`: a step is as many epochs as `REPORT_EVERY` holds.

    The first step of a process only says where it is: whatever happens to it later, the driver
    knows which machine it was on.
    """

    def setup(
        self,
        config: dict[str, Any],
        specs: Sequence[TrialSpec] = (),
        challenge: Challenge | None = None,
    ) -> None:
        """Prove that this machine may train, and take one of the trials up."""
        self.node = self.actor = ""
        if ray.is_initialized():  # asking starts Ray otherwise
            context = ray.get_runtime_context()
            self.node, self.actor = context.get_node_id(), context.get_actor_id() or ""
        self.host = socket.gethostname()
        self.specs = specs
        self.widths: dict[object, Width] = {}
        self.trial: Trial | None = None
        self.notes: tuple[str, ...] = ()
        self.abort = ""
        self.greeted = False
        try:
            check_packages(shared_with_workers=False)
            if challenge:
                self.notes = prove(challenge, specs)
        except Exception as error:  # no arm is to blame for what comes before it
            self.abort = f"{self.host}: no trial can start there ({describe(error)})"
            if isinstance(error, RecordError | ExperimentError | InputError):
                self.abort = str(error)
        self._take_up(config["trial"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial up in the same process."""
        self._take_up(new_config["trial"])
        return True

    def _take_up(self, index: int) -> None:
        if self.abort:
            return
        try:
            self.trial = Trial(at_home(self.specs[index]), self.widths)
        except (ExperimentError, InputError, RecordError, OSError) as error:
            self.abort = f"{self.host}: {error}"

    def step(self) -> dict[str, Any]:
        """Train for a while; arms are recorded as they end."""
        if not self.greeted:
            self.greeted = True
            return self._report(0.0, False, (), self.notes)
        assert self.trial or self.abort
        until = time.monotonic() + REPORT_EVERY
        ended: list[Ended] = []
        notes: list[str] = []
        advance = Advance(0.0, finished=False)
        try:
            while self.trial and not advance.finished and not self.abort:
                advance = self.trial.advance()
                ended += advance.ended
                notes += advance.notes
                if time.monotonic() >= until:
                    break
        except RecordError as error:
            self.abort = str(error)
        return self._report(advance.share, advance.finished, ended, notes)

    def _report(
        self, share: float, done: bool, ended: Sequence[Ended], notes: Sequence[str]
    ) -> dict[str, Any]:
        return {
            "done": done or bool(self.abort),
            "share": share,
            "ended": [astuple(end) for end in ended],
            "notes": list(notes),
            "host": self.host,
            "node": self.node,
            "actor": self.actor,
            "abort": self.abort,
        }
