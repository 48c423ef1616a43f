"""Trials on Ray Tune: some cores each, perhaps a share of a GPU; workers go from trial to trial."""

import errno
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

# Read when ray is imported. Tune's own result files and console reports would only repeat our
# records and status line, its snapshots are for restoring a sweep from, which we never do, and an
# interrupt is ours to handle.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "inf")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import tune

from results.errors import RecordError
from sweep.devices import local_device, local_gpus
from sweep.errors import ExperimentError
from sweep.executors.interrupts import noticed_interrupts
from sweep.progress import Watcher
from sweep.recording import Ended, record_failure, recorded_so_far
from sweep.specs import TrialSpec, halves
from sweep.trial import Advance, Trial
from sweep.width import Width
from sweep.workers import Node, Workers, local_cores

_EXCEPTION = re.compile(r"[\w.]+(Error|Exception)\b")

RETRIES = 2
"""Times that a trial is started again after its process died."""

REPORT_EVERY = 1.0
"""Seconds between the reports of a trial: each costs the driver some milliseconds."""


class StackTrainable(tune.Trainable):
    """Ray's handle on a `Trial`: a step is as many epochs as `REPORT_EVERY` holds."""

    def setup(self, config: dict[str, Any], specs: Sequence[TrialSpec] = ()) -> None:
        """Take one of the trials up."""
        from sweep.packages import check_packages

        check_packages(shared_with_workers=False)
        self.specs = specs
        self.widths: dict[object, Width] = {}
        self.trial = Trial(specs[config["trial"]], self.widths)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial up in the same process."""
        self.trial = Trial(self.specs[new_config["trial"]], self.widths)
        return True

    def step(self) -> dict[str, Any]:
        """Train for a while; arms are recorded as they end."""
        until = time.monotonic() + REPORT_EVERY
        ended: list[Ended] = []
        advance = Advance(0.0, finished=False)
        abort = ""
        try:
            while not advance.finished:
                advance = self.trial.advance()
                ended += advance.ended
                if time.monotonic() >= until:
                    break
        except RecordError as error:
            abort = str(error)
        return {
            "done": advance.finished or bool(abort),
            "share": advance.share,
            "ended": [astuple(end) for end in ended],
            "abort": abort,
        }


class _Reporter(tune.Callback):
    """Passes what trials report on to the watcher; sees to those whose process died for good.

    Attributes:
        specs: the trials, and the parts of those that are tried again in parts.
        untried: indices of those that the next round is to run.
        abort: why the sweep has to end, if it has to.

    Args:
        specs: the trials.
        watcher: told of what they report.
        check: raises an interrupt that was swallowed.
    """

    def __init__(
        self, specs: Sequence[TrialSpec], watcher: Watcher, check: Callable[[], None]
    ) -> None:
        self.specs = list(specs)
        self.watcher = watcher
        self.check = check
        self.abort = ""
        self.untried: list[int] = []

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles callbacks to restore a sweep from, which we never do."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.check()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.watcher.started(self.specs[trial.config["trial"]])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self.abort = self.abort or result["abort"]
        if result["abort"]:
            return
        ended = tuple(Ended(*fields) for fields in result["ended"])
        advance = Advance(result["share"], result["done"], ended)
        self.watcher.advanced(self.specs[trial.config["trial"]], advance)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        index = trial.config["trial"]
        if trial.num_failures <= RETRIES:
            # A reused worker died between two trials. Tune retries a trial under way, not one that
            # is about to begin.
            self.untried.append(index)
            return
        try:
            self._died(self.specs[index], last_words(trial))
        except RecordError as full:
            self.abort = str(full)

    def _died(self, spec: TrialSpec, error: str) -> None:
        """Try the arms of a stack again in halves, for one of them may have killed the others."""
        ended = recorded_so_far(spec)
        parts = halves(spec, len(ended))
        if len(parts) > 1:
            self.watcher.divided(spec, parts)
            self.untried += range(len(self.specs), len(self.specs) + len(parts))
            self.specs += parts
        else:
            ended = record_failure(spec, f"its process failed {1 + RETRIES} times: {error}")
        self.watcher.advanced(spec, Advance(1.0, True, ended))


def last_words(trial: Any) -> str:
    """Why a trial's process died, in a line; Tune keeps Ray's account in a local file."""
    account = Path(trial.error_file).read_text().strip() if trial.error_file else ""
    if not account or "actor died" in account:  # the rest is identifiers
        return "killed, out of memory, or crashed"
    lines = [line.strip() for line in account.splitlines()]
    return next((line for line in reversed(lines) if _EXCEPTION.match(line)), lines[-1])


class _StopOnAbort(tune.Stopper):
    """Ends the sweep when its records cannot be written."""

    def __init__(self) -> None:
        self.abort = False

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.abort = self.abort or bool(result["abort"])
        return self.abort

    def stop_all(self) -> bool:
        return self.abort


class OnRay:
    """An `Executor`: a cluster.

    Args:
        workers: what the user asked for.
        local: whether the cluster is this machine alone.

    Raises:
        ExperimentError: the device asked for is not usable.
    """

    def __init__(self, workers: Workers, local: bool) -> None:
        self.trials_per_gpu = workers.trials_per_gpu
        alive: list[dict[str, float]] = [
            node["Resources"]
            for node in ray.nodes()  # type: ignore[no-untyped-call]
            if node["Alive"]
        ]
        nodes = [Node(int(has.get("CPU", 0)), int(has.get("GPU", 0))) for has in alive]
        nodes = [node for node in nodes if node.cores]
        gpus = any(node.gpus for node in nodes)
        if workers.device == "auto" and (not gpus or not local):
            self.device = "cuda" if gpus else "cpu"
        else:
            self.device = local_device(workers.device) if local else workers.device
        if self.device == "mps":  # which Ray does not count
            nodes = [Node(local_cores(), local_gpus(self.device))]
        self.nodes: Sequence[Node] = nodes

    def run(self, specs: Sequence[TrialSpec], watcher: Watcher) -> None:
        """See `Executor.run`; Tune's own files lie in the run's `.ray` until the end."""
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failures are recorded and shown
        scratch = specs[0].run / ".ray"
        shutil.rmtree(scratch, ignore_errors=True)
        todo = list(range(len(specs)))
        with noticed_interrupts() as check:
            reporter = _Reporter(specs, watcher, check)
            try:
                while todo and not reporter.abort:
                    _fit(todo, reporter, scratch, self._resources(specs[0]))
                    todo, reporter.untried = reporter.untried, []
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                reporter.abort = (
                    f"{scratch}: no space left for Tune's own files; make room and run again"
                )
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        if reporter.abort:
            raise RecordError(reporter.abort)

    def _resources(self, spec: TrialSpec) -> dict[str, float]:
        """What a trial asks for; never more cores than a machine has, which Ray would wait for."""
        fit = [n.cores for n in self.nodes if n.gpus or spec.device == "cpu"]
        most = max(fit, default=spec.threads)
        gpu = 1 / self.trials_per_gpu if spec.device == "cuda" else 0
        return {"cpu": min(spec.threads, most), "gpu": gpu}


@contextmanager
def on_ray(workers: Workers) -> Iterator[OnRay]:
    """Connect to a cluster.

    That is the one that this process has joined already; else the one at the address given or in
    `$RAY_ADDRESS`; else this machine, where Ray is started here and stopped at the end.

    Raises:
        ExperimentError: there is no cluster at the address, or the device asked for is not usable.
    """
    joined = ray.is_initialized()
    address = workers.address or os.environ.get("RAY_ADDRESS") or None
    if not joined:
        _connect(address)
    try:
        yield OnRay(workers, local=not joined and address is None)
    finally:
        if not joined:
            ray.shutdown()


def _fit(
    todo: Sequence[int], reporter: _Reporter, scratch: Path, resources: dict[str, float]
) -> None:
    """One Tune experiment over the trials to do."""
    tune.Tuner(
        tune.with_resources(tune.with_parameters(StackTrainable, specs=reporter.specs), resources),
        param_space={"trial": tune.grid_search(list(todo))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(scratch),
            callbacks=[reporter],
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            stop=_StopOnAbort(),
            verbose=0,
        ),
    ).fit()


def _connect(address: str | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        # Ray counts cores in its own way; trials are to have the threads of the inline executor.
        ray.init("local", num_cpus=local_cores(), include_dashboard=False, **quiet)
        return
    try:
        ray.init(address, **quiet)
    except (ConnectionError, ValueError) as error:
        raise ExperimentError(f"--address {address}: no Ray cluster answers ({error})") from None
