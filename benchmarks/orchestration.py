"""What orchestration costs an arm, where training costs nearly nothing.

The same tiny arms, two epochs each, are trained on two cores by

* softsweep: `run_experiment` with the executor `ray`, records and tables included;
* Ray Tune: a function trial per arm that loads the features, trains and reports every epoch, with
  Tune's defaults, as one writes it at first;
* Optuna: a grid in a journal file, `study.optimize` in two processes, started by joblib.

Each side runs in a process of its own, Ray already started. With F the moment when as many arms are
done as there are cores, and E the end, for k arms,

    start-up = F - beginning             (processes, imports, the first arms)
    per arm  = (E - F) / (k - cores)
    overhead = cores * per arm - training seconds of an arm

Training seconds are those of the same training code in a plain loop, in stacks as wide as the
side's, on all cores at once. A peer does fewer arms than softsweep where it is slow.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.children import fresh, silence
from benchmarks.measure import Row, against

if TYPE_CHECKING:
    from model.training import Data

CORES = 2
TITLE = (
    f"Orchestration of tiny arms on {CORES} cores (limit 0.25 s): core-seconds an arm beside its "
    "training, start-up apart"
)

ARMS = {True: (20, 3, 20), False: (1000, 40, 400)}
"""Arms of softsweep, Tune and Optuna, by `quick`."""

EPOCHS, BATCH = 2, 16

EXPERIMENT: dict[str, Any] = {
    "name": "tiny",
    "corpus": {"reader": "sample", "train": 120, "dev": 60, "test": 60},
    "languages": ["en"],
    "vectors": {"kind": "skipgram", "dimension": 8, "epochs": 1, "workers": 1, "text": "sample"},
    "grid": {"loss": ["bce"], "batch_size": [BATCH]},
    "train": {"epochs": EPOCHS},
    "network": {"filters": 4, "heights": [1, 2]},
}


@dataclass(frozen=True)
class Spent:
    """What a side took, in seconds.

    Attributes:
        start: until as many arms were done as there are cores.
        per_arm: wall-clock of each further arm.
        width: of its stacks.
    """

    start: float
    per_arm: float
    width: int = 1


def spent(began: float, done: Sequence[float], ended: float, width: int = 1) -> Spent:
    """What a side took that began, finished its arms, and ended at these moments."""
    first = sorted(done)[CORES - 1]
    return Spent(first - began, (ended - first) / (len(done) - CORES), width)


Side = Callable[[int, Path, Path], Spent]
"""Trains so many arms in a folder, on the features of a cache entry."""


def rows(quick: bool) -> Iterator[Row]:
    """Overhead, wall-clock and start-up against each peer."""
    counts = dict(zip(("ours", *PEERS), ARMS[quick], strict=True))
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool,
    ):
        features = fresh(_features, Path(folder) / "cache")

        def run(side: Side, arms: int) -> tuple[Spent, float]:
            found = _spent(side, arms, Path(folder), features)
            # At once, because these machines' speed drifts.
            return found, _training(pool, features, found.width)

        ours, trained = run(_softsweep, counts["ours"])
        overhead = _overhead(ours, trained)
        note = f"{trained:.3g} s of training subtracted, in stacks of {ours.width}"
        case = f"softsweep, {counts['ours']} arms, overhead"
        yield Row(case, overhead, None, "core s/arm", None, note)
        for name, side in PEERS.items():
            peer, trained = run(side, counts[name])
            theirs = _overhead(peer, trained)
            note = f"peer: {counts[name]} arms, {trained:.3g} s of training subtracted"
            yield against(f"{name}, overhead", overhead, theirs, "core s/arm", note)
            note = "training included"
            yield against(f"{name}, wall-clock", ours.per_arm, peer.per_arm, "s/arm", note)
            yield against(f"{name}, start-up", ours.start, peer.start, "s")


def _spent(side: Side, arms: int, folder: Path, features: Path) -> Spent:
    """Run a side in a process and a folder of its own, which is then removed."""
    own = folder / side.__name__
    own.mkdir()
    found = fresh(side, arms, own, features)
    shutil.rmtree(own)
    return found


def _overhead(side: Spent, training: float) -> float:
    """The module's formula; what cannot be told from nothing is a tenth of a millisecond."""
    return max(CORES * side.per_arm - training, 1e-4)


def _features(cache: Path) -> Path:
    """Build the features; the folder of their entry."""
    from features import build
    from sweep.experiment import load_experiment

    silence()
    experiment, _ = load_experiment(EXPERIMENT)
    return build(experiment.feature_spec("en"), None, cache).path


def load(features: Path) -> "Data":
    """The features anew; on one thread from here on, as softsweep's trials."""
    import torch

    from sweep.trial import load_data

    torch.set_num_threads(1)
    return load_data(features)


def train(data: "Data", seeds: Sequence[int]) -> Iterator[float]:
    """Train tiny arms as a stack; after each epoch, the first one's accuracy on dev."""
    from model import get_loss
    from model.settings import NetworkSettings, TrainSettings
    from model.training import Member, Training

    members = [Member(get_loss("bce"), seed, TrainSettings(epochs=EPOCHS)) for seed in seeds]
    network = NetworkSettings(**EXPERIMENT["network"])
    training = Training(members, BATCH, network, data)
    while not training.finished:
        yield next(row["acc"] for row in training.run_epoch()[0] if row["split"] == "dev")


def _training(pool: ProcessPoolExecutor, features: Path, width: int) -> float:
    """Seconds of training of an arm in a stack of this width, all cores being at it."""
    return statistics.mean(pool.map(_train_inline, [features] * CORES, [width] * CORES))


def _train_inline(features: Path, width: int) -> float:
    """Seconds of an arm in this process, after a stack that is not counted."""
    data = load(features)
    stacks = max(20 // width, 3)
    times = []
    for stack in range(stacks + 1):
        began = time.perf_counter()
        list(train(data, range(stack * width, (stack + 1) * width)))
        times.append(time.perf_counter() - began)
    return statistics.mean(times[1:]) / width


def _start_ray() -> None:
    """As both users of Ray get it here."""
    import ray

    ray.init(num_cpus=CORES, include_dashboard=False, log_to_driver=False)


def _softsweep(arms: int, folder: Path, features: Path) -> Spent:
    """The main job, from the experiment to its tables."""
    silence()
    from rich.console import Console

    from results import open_run
    from sweep import Workers, run_experiment

    _start_ray()
    experiment = EXPERIMENT | {"grid": EXPERIMENT["grid"] | {"seed": list(range(arms))}}
    began = time.time()
    outcome = run_experiment(
        experiment,
        out=folder / "run",
        cache=features.parent,
        workers=Workers("ray", device="cpu"),
        console=Console(quiet=True),
    )
    ended = time.time()
    recorded = open_run(outcome.run).arms
    assert len(recorded) == arms
    assert set(recorded["status"]) == {"ok"}
    done = [moment.timestamp() for moment in recorded["finished"]]
    return spent(began, done, ended, int(recorded["width"].median()))


def _tune(arms: int, folder: Path, features: Path) -> Spent:
    """A grid of function trials, all else as Tune has it."""
    silence()
    from ray import tune

    _start_ray()
    began = time.time()
    grid = {"features": str(features), "seed": tune.grid_search(list(range(arms)))}
    results = tune.Tuner(
        _function_trial, param_space=grid, run_config=tune.RunConfig(storage_path=str(folder))
    ).fit()
    ended = time.time()
    assert not results.errors
    assert len(results) == arms
    return spent(began, results.get_dataframe()["at"].tolist(), ended)


def _function_trial(config: dict[str, Any]) -> None:
    from ray import tune

    for accuracy in train(load(Path(config["features"])), [config["seed"]]):
        tune.report({"accuracy": accuracy, "at": time.time()})


def _optuna(arms: int, folder: Path, features: Path) -> Spent:
    """A grid shared by processes through a journal file, Optuna's way for several processes."""
    silence()
    import optuna
    from joblib import Parallel, delayed  # type: ignore[import-untyped]
    from joblib.externals.loky import get_reusable_executor  # type: ignore[import-untyped]

    began = time.time()
    study = optuna.create_study(
        study_name="tiny", storage=_journal(folder), sampler=_grid(arms), direction="maximize"
    )
    shares = [arms // CORES + (core < arms % CORES) for core in range(CORES)]
    Parallel(n_jobs=CORES)(delayed(_optimize)(arms, folder, features, share) for share in shares)
    ended = time.time()
    get_reusable_executor().shutdown()  # joblib would keep its processes for minutes
    done = [trial.datetime_complete for trial in study.trials]
    assert len(done) == arms
    return spent(began, [moment.timestamp() for moment in done if moment], ended)


def _journal(folder: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(folder / "journal.log")))


def _grid(arms: int) -> Any:
    from optuna.samplers import GridSampler

    return GridSampler({"seed": list(range(arms))})


def _optimize(arms: int, folder: Path, features: Path, trials: int) -> None:
    """One process' share of the trials."""
    import optuna

    def objective(trial: optuna.Trial) -> float:
        accuracy = 0.0
        seed = trial.suggest_int("seed", 0, arms - 1)
        for epoch, accuracy in enumerate(train(load(features), [seed])):
            trial.report(accuracy, epoch)
        return accuracy

    study = optuna.load_study(study_name="tiny", storage=_journal(folder), sampler=_grid(arms))
    study.optimize(objective, n_trials=trials)


PEERS: dict[str, Side] = {"Tune function trials": _tune, "Optuna processes": _optuna}
"""What softsweep is compared with."""
