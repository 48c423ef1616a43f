"""Trials on Ray Tune: some cores each, perhaps a share of a GPU; workers go from trial to trial."""

import errno
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

# Read when ray is imported. Tune's own result files and console reports would only repeat our
# records and status line, its snapshots are for restoring a sweep from, which we never do, and an
# interrupt is ours to handle. Who is to blame for a failure, we find out ourselves.
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "inf")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S", "inf")
os.environ.setdefault("TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S_AUTOSCALER", "inf")
os.environ.setdefault("RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE", "1")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_AUTH_MODE", "token")

import ray
from ray import tune

from results.errors import RecordError
from sweep.devices import cluster_device, local_device, local_gpus
from sweep.executors import connection
from sweep.executors.cluster import Cluster, gpus_to_come, machines
from sweep.executors.head import head_watched, is_command
from sweep.executors.interrupts import noticed_interrupts
from sweep.executors.reporter import Queue, Reporter, StopOnAbort
from sweep.executors.trainable import StackTrainable
from sweep.progress import Watcher
from sweep.proof import Challenge, challenge, withdraw
from sweep.specs import TrialSpec
from sweep.workers import Node, Workers, local_cores

PENDING = 16
"""Trials that wait for a machine at any time, at least: an elastic cluster starts machines for as
many, and a trial that is to be tried again comes after them."""


class OnRay:
    """An `Executor`: a cluster.

    Args:
        workers: what the user asked for.
        local: whether the cluster is this machine alone.

    Raises:
        ExperimentError: the device asked for is not usable.
    """

    def __init__(self, workers: Workers, local: bool) -> None:
        self.local = local
        self.trials_per_gpu = workers.trials_per_gpu
        nodes = machines()
        gpus = any(node.gpus for node in nodes)
        if not local:
            self.device = cluster_device(workers.device, gpus, gpus_to_come())
        elif workers.device == "auto" and not gpus:
            self.device = "cpu"
        else:
            self.device = local_device(workers.device)
        if self.device == "mps":  # which Ray does not count
            nodes = [Node(local_cores(), local_gpus(self.device))]
        self.nodes: Sequence[Node] = nodes
        self.slots = workers.slots or sum(node.cores for node in nodes)

    def run(self, specs: Sequence[TrialSpec], watcher: Watcher) -> None:
        """See `Executor.run`; Tune's own files lie in the run's `.ray` until the end."""
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failures are recorded and shown
        run = specs[0].run
        scratch = run / ".ray"
        shutil.rmtree(scratch, ignore_errors=True)
        asked = self._resources(specs[0])
        posed = challenge(run)
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(max(PENDING, self.slots))
        with noticed_interrupts() as interrupted:
            cluster = Cluster(asked, shared=not self.local)
            reporter = Reporter(specs, watcher, cluster, interrupted)
            try:
                with head_watched(watcher.console, reporter.end):
                    while not reporter.over:
                        _fit(reporter, posed, scratch, asked)
                        reporter.ahead.extend(reporter.later)
                        reporter.later.clear()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                reporter.abort = (
                    f"{scratch}: no space left for Tune's own files; make room and run again"
                )
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
                with suppress(RecordError):
                    withdraw(run)
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
    if ray.is_initialized():
        yield OnRay(workers, local=False)
        return
    named = os.environ.get("RAY_ADDRESS")
    with _tables_alone():
        if workers.address:
            connection.join(workers.address, f"--address {workers.address}")
        elif named:
            connection.join(named, f"RAY_ADDRESS={named}")
        else:
            connection.start()
        try:
            yield OnRay(workers, local=not workers.address and not named)
        finally:
            ray.shutdown()


@contextmanager
def _tables_alone() -> Iterator[None]:
    """Ray tells of dead processes on standard output, which is for the tables of the command."""
    if not is_command():
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


def _fit(reporter: Reporter, posed: Challenge, scratch: Path, resources: dict[str, float]) -> None:
    """One Tune experiment over the trials to do."""
    trainable = tune.with_parameters(StackTrainable, specs=reporter.specs, challenge=posed)
    tuner = tune.Tuner(
        tune.with_resources(trainable, resources),
        tune_config=tune.TuneConfig(search_alg=Queue(reporter), num_samples=-1, reuse_actors=True),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(scratch),
            callbacks=[reporter],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            stop=StopOnAbort(reporter),
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except (RuntimeError, tune.TuneError, ray.exceptions.RayError) as error:
        if not reporter.broken:
            reporter.crashed(error)
    else:
        reporter.left()
    if reporter.broken:
        raise reporter.broken
