"""A probe: real stacks of an experiment train for a few seconds, and nothing is recorded.

What an epoch takes follows: steps times the time of one, and an evaluation of every split.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sweep.arms import Arm, network_settings
from sweep.devices import local_device, local_gpus
from sweep.errors import ExperimentError
from sweep.pace import Pace, Place
from sweep.plan import Plan, check_trusted
from sweep.planlist import Known
from sweep.specs import TrialSpec, trial_specs
from sweep.trial import describe, read_data, start_training
from sweep.width import free_memory, guess, out_of_memory
from sweep.workers import Allotment, Node, Workers, allot, local_cores

if TYPE_CHECKING:
    from model.training import Data

SECONDS = 1.0
"""Steps are timed for about so long."""

FIRST = 8
"""Mini-batches of the first, shortest try."""

STACKS = 2
"""Stacks that are probed of each language and batch size: losses differ in what they take."""

Probed = Mapping[Place, Sequence[TrialSpec]]


def known_from_probe(
    plan: Plan, arms: Sequence[Arm], workers: Workers, say: Callable[[str], None]
) -> Known:
    """Train stacks of these arms for a while, here or on a worker of a cluster.

    Args:
        plan: whose arms they are.
        arms: one at least.
        workers: where, on what, and how wide.
        say: told what is probed.

    Raises:
        ExperimentError: there is no such device or cluster, a run folder brings the losses, or none
            of the arms could be trained.
    """
    check_trusted(plan.job)
    if workers.address:
        from sweep.executors.ray import on_ray

        with on_ray(workers) as cluster:
            allotment = allot(workers, cluster.device, cluster.nodes, len(plan.wanted))
            probed = _chosen(plan, arms, allotment)
            say(f"probing {cluster.device} of a worker: {_listed(probed)}")
            device, paces = _on_worker(probed, allotment, workers.trials_per_gpu)
    else:
        device = local_device(workers.device)
        nodes = [Node(local_cores(), local_gpus(device))]
        allotment = allot(workers, device, nodes, len(plan.wanted))
        probed = _chosen(plan, arms, allotment)
        say(f"probing {device}: {_listed(probed)}")
        device, paces = measure(probed)
    return Known(paces, f"a probe of {device}", allotment, workers.trials_per_gpu)


def _on_worker(
    probed: Probed, allotment: Allotment, per_gpu: int
) -> tuple[str, Mapping[Place, Pace]]:
    """Measure as a task that asks for what a trial would."""
    import ray

    gpus = 1 / per_gpu if allotment.device == "cuda" else 0
    task = ray.remote(num_cpus=allotment.threads, num_gpus=gpus)(_measure_at_home)
    try:
        found: tuple[str, Mapping[Place, Pace]] = ray.get(task.remote(probed))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ExperimentError):
            raise error.cause from None
        raise
    return found


def _measure_at_home(probed: Probed) -> tuple[str, dict[Place, Pace]]:
    """Measure on a worker, where the run and the features may lie elsewhere."""
    from sweep.home import at_home

    return measure({place: [at_home(spec) for spec in specs] for place, specs in probed.items()})


def _listed(probed: Probed) -> str:
    return ", ".join(f"{language} b={size}" for language, size in probed)


def _chosen(plan: Plan, arms: Sequence[Arm], allotment: Allotment) -> Probed:
    """Some stacks of each language and batch size, as they would be trained, of unlike losses."""
    found: dict[Place, dict[frozenset[str], TrialSpec]] = {}
    for spec in trial_specs(replace(plan, todo=arms), allotment):
        first = spec.arms[0]
        alike = found.setdefault((first.language, first.batch_size), {})
        alike.setdefault(frozenset(arm.loss for arm in spec.arms), spec)
    return {place: _spread(list(alike.values())) for place, alike in found.items()}


def _spread(specs: Sequence[TrialSpec]) -> list[TrialSpec]:
    """Some of these, evenly apart."""
    number = min(STACKS, len(specs))
    return [specs[index * len(specs) // number] for index in range(number)]


def measure(probed: Probed) -> tuple[str, dict[Place, Pace]]:
    """The pace of stacks, measured in this process.

    Args:
        probed: stacks by language and batch size.

    Returns:
        What they trained on, in words, and the mean pace of those that could be trained.

    Raises:
        ExperimentError: none of them could.
    """
    import torch

    paces, trouble = {}, ""
    threads = torch.get_num_threads()
    for place, specs in probed.items():
        found = []
        for spec in specs:
            torch.set_num_threads(spec.threads)
            try:
                found.append(_pace(spec))
            except Exception as error:  # a loss of one's own may raise anything
                trouble = f"{spec.arms[0].label} {place[0]} b={place[1]}: {describe(error)}"
        if found:
            epoch, start = np.mean([(pace.epoch, pace.start) for pace in found], axis=0).tolist()
            paces[place] = replace(found[0], epoch=epoch, start=start)
    torch.set_num_threads(threads)
    if not paces:
        raise ExperimentError(f"--probe: no arm can be trained: {trouble}")
    return _name(next(iter(paces.values())).device), paces


def _pace(spec: TrialSpec) -> Pace:
    """Time the arms of a stack that fit into the device's memory together."""
    data = read_data(spec.features)
    first = spec.arms[0]
    network = network_settings(first)
    width = guess(spec.device, data, first.batch_size, network, spec.width)
    while True:
        try:
            return _timed(spec, range(min(width.now, len(spec.arms))), data)
        except Exception as error:
            if width.now == 1 or not out_of_memory(error):
                raise
        width.ran_out(width.now)
        free_memory(spec.device)


def _timed(spec: TrialSpec, chunk: range, data: "Data") -> Pace:
    """Train on more and more texts, until that takes long enough to tell."""
    size = spec.arms[0].batch_size
    all_texts = len(data.splits["train"].labels)
    texts = min(FIRST * size, all_texts)
    while True:
        start, steps, evaluation = _epoch(spec, chunk, _some(data, texts))
        if steps >= SECONDS / 2 or texts == all_texts:
            break
        texts = min(round(texts * SECONDS / steps), all_texts)
    others = sum(len(split.labels) for split in data.splits.values()) - all_texts
    evaluation *= (others + all_texts) / (others + texts)
    epoch = steps * all_texts / texts + evaluation
    return Pace(spec.device, spec.threads, epoch / len(chunk), start / len(chunk))


def _epoch(spec: TrialSpec, chunk: range, data: "Data") -> tuple[float, float, float]:
    """Seconds before the first epoch, of an epoch's steps, and of its evaluation."""
    began = time.perf_counter()
    training = start_training(spec, chunk, data)
    timed = []
    for _ in range(2):  # in the first, graphs are recorded and caches filled
        training.epoch = training.settings.warmup_epochs  # what comes then takes the most epochs
        rows = [row for rows in training.run_epoch() for row in rows]
        timed.append(time.perf_counter())
    took = timed[1] - timed[0]
    steps = next((row["seconds"] for row in rows if row["split"] == "train"), None)
    if steps is None:
        raise FloatingPointError("loss or outputs ceased to be finite")
    return max(timed[0] - began - took, 0.0), steps, took - steps


def _some(data: "Data", texts: int) -> "Data":
    """The data with so many texts of train, drawn at random."""
    train = data.splits["train"]
    drawn = np.random.default_rng(0).permutation(len(train.labels))[:texts]
    some = replace(
        train,
        words=train.words[drawn],
        labels=train.labels[drawn],
        half=train.half[drawn],
    )
    return replace(data, splits={**data.splits, "train": some})


def _name(device: str) -> str:
    """A device in words: the GPU's name, or the processor's."""
    import platform
    from pathlib import Path

    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    models = Path("/proc/cpuinfo")
    lines = models.read_text(encoding="utf-8").splitlines() if models.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
