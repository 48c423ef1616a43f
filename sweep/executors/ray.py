"""Trials on Ray Tune: one CPU each, or a GPU; workers are reused from trial to trial."""

import errno
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Read when ray is imported. Tune's own result files and console reports would only repeat our
# records and status line, and an interrupt is ours to handle.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import tune

from results.errors import RecordError
from sweep.errors import ExperimentError
from sweep.progress import Watcher
from sweep.trial import Advance, Trial, TrialSpec, describe, record_failure

RETRIES = 2
"""Times that a trial is started again after its process died."""


class StackTrainable(tune.Trainable):
    """Ray's handle on a `Trial`: a step is an epoch."""

    def setup(self, config: dict[str, Any], specs: Sequence[TrialSpec] = ()) -> None:
        """Take one of the trials up."""
        from sweep.packages import check_packages

        check_packages(shared_with_workers=False)
        self.specs = specs
        self.trial = Trial(specs[config["trial"]])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial up in the same process."""
        self.trial = Trial(self.specs[new_config["trial"]])
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch; the last step records the arms."""
        try:
            advance = self.trial.advance()
        except RecordError as error:
            return {"done": True, "epoch": 0, "statuses": [], "error": "", "abort": str(error)}
        return {
            "done": advance.finished,
            "epoch": advance.epoch,
            "statuses": list(advance.statuses),
            "error": advance.error,
            "abort": "",
        }


class _Reporter(tune.Callback):
    """Passes what trials report on to the watcher; records those whose process died for good."""

    def __init__(self, specs: Sequence[TrialSpec], watcher: Watcher) -> None:
        self.specs = specs
        self.watcher = watcher
        self.abort = ""
        self.untried: list[int] = []

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles callbacks to restore a sweep from, which we never do."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.watcher.started(self.specs[trial.config["trial"]])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self.abort = self.abort or result["abort"]
        if result["abort"]:
            return
        advance = Advance(
            result["epoch"], result["done"], tuple(result["statuses"]), result["error"]
        )
        self.watcher.advanced(self.specs[trial.config["trial"]], advance)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        spec = self.specs[trial.config["trial"]]
        if trial.get_error() is None:
            # A reused worker died between two trials. Tune retries a trial under way, not one that
            # is about to begin.
            self.untried.append(trial.config["trial"])
            return
        try:
            error = f"its process died: {describe(trial.get_error())}"
            self.watcher.advanced(spec, record_failure(spec, error))
        except RecordError as full:
            self.abort = str(full)


class _StopOnAbort(tune.Stopper):
    """Ends the sweep when its records cannot be written."""

    def __init__(self) -> None:
        self.abort = False

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.abort = self.abort or bool(result["abort"])
        return self.abort

    def stop_all(self) -> bool:
        return self.abort


def run_ray(
    specs: Sequence[TrialSpec],
    watcher: Watcher,
    run: Path,
    address: str | None = None,
    trials_per_gpu: int = 1,
) -> None:
    """Train and record every trial.

    Args:
        specs: the trials, in the order in which they are started.
        watcher: told of each epoch and each end.
        run: run folder; Tune's own files lie in its `.ray` until the end.
        address: of a running cluster; where it is None, the one that this process has joined
            already, else a local one that is started here and stopped at the end.
        trials_per_gpu: trials that share a GPU.

    Raises:
        ExperimentError: there is no cluster at the address.
        RecordError: the records cannot be written; what was recorded stays.
    """
    ours = not ray.is_initialized()
    if ours:
        _connect(address)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failures are recorded and shown
    scratch = run / ".ray"
    shutil.rmtree(scratch, ignore_errors=True)
    gpu = specs[0].device == "cuda"
    reporter = _Reporter(specs, watcher)
    todo = list(range(len(specs)))
    try:
        while todo and not reporter.abort:
            _fit(
                specs, todo, reporter, scratch, {"cpu": 1, "gpu": 1 / trials_per_gpu if gpu else 0}
            )
            todo, reporter.untried = reporter.untried, []
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        reporter.abort = f"{scratch}: no space left for Tune's own files; make room and run again"
    finally:
        if ours:
            ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)
    if reporter.abort:
        raise RecordError(reporter.abort)


def _fit(
    specs: Sequence[TrialSpec],
    todo: Sequence[int],
    reporter: _Reporter,
    scratch: Path,
    resources: dict[str, float],
) -> None:
    """One Tune experiment over the trials to do."""
    tune.Tuner(
        tune.with_resources(
            tune.with_parameters(StackTrainable, specs=list(specs)),
            resources,
        ),
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
    try:
        ray.init(
            address=address,
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError) as error:
        raise ExperimentError(f"--address {address}: no Ray cluster answers ({error})") from None
