"""What travels from a laptop to a cluster: softsweep's own code, the experiment, the loss files.

They are one archive, which Ray unpacks on every machine of the job and puts first on Python's path:
what was sent is imported there, whatever else is installed. Ray's own way with wheels would not do:
it lets pip install them with all they depend on, and tells two of one version apart by nothing.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from results.places import masked
from results.stores import is_uri
from sweep.driver import experiment_files
from sweep.errors import ExperimentError
from sweep.packages import check_packages
from sweep.plan import Job, check_trusted, make_job
from sweep.wheel import wheel_files

EXPERIMENT = "submitted.yaml"
"""The experiment's name within the archive."""

_AS_KNOWN = "as the cluster's machines know it, such as /shared/my or s3://bucket/my"


def checked_job(
    experiment: str, overrides: Sequence[str], losses: Sequence[Path], trust_run_losses: bool
) -> Job:
    """The experiment, checked here as `softsweep run` checks it there.

    Raises:
        ExperimentError, LossError: something asked for is wrong.
    """
    check_packages(shared_with_workers=False)
    job = make_job(experiment, overrides=overrides, losses=losses)
    if not trust_run_losses:
        check_trusted(job)
    return job


def travelling_files(job: Job) -> dict[str, bytes]:
    """All that is sent, by name.

    The experiment goes as a run folder keeps it: resolved, and its loss files beside it. So `--set`
    has had its effect, and no path of this machine is in it.

    Raises:
        ExperimentError: softsweep is not installed.
    """
    texts = experiment_files(job, job.losses.values(), EXPERIMENT)
    return wheel_files() | {name: text.encode() for name, text in texts.items()}


def entrypoint(
    out: str | None, cache: str | None, data: str | None, options: Mapping[str, object]
) -> str:
    """The command that a shell on the head is given.

    Args:
        out: run folder, as the cluster knows it.
        cache: feature cache, likewise; by default `$SOFTSWEEP_CACHE` as the cluster has it, else
            `cache` beside the run folder, which is shared if that is.
        data: data folder, likewise.
        options: further options of `softsweep run`; `None` and `False` leave one out, `True` is a
            flag.

    Raises:
        ExperimentError: a folder is none that a cluster could know.
    """
    if out is None:
        raise ExperimentError(f"--out is needed: the run folder, {_AS_KNOWN}")
    places = {"--out": out, "--cache": cache, "--data": data}
    for option, place in places.items():
        if place is not None:
            _check_place(option, place)
    words = ["exec", "python", "-m", "sweep.cli", "run", EXPERIMENT, "--address", "auto"]
    for option, value in (places | dict(options)).items():
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words += [option, str(value)]
    command = shlex.join(words)
    if cache is not None:
        return command
    return f'beside={shlex.quote(_beside(out))}; {command} --cache "${{SOFTSWEEP_CACHE:-$beside}}"'


def _check_place(option: str, place: str) -> None:
    """Make sure that a place can be the cluster's, and that others may read what it is called.

    Raises:
        ExperimentError: it is relative, so to the job's own folder, which goes with the job; or it
            holds a secret, and the command stands in the job's log.
    """
    if not is_uri(place) and not PurePosixPath(place).is_absolute():
        raise ExperimentError(f"{option} {place}: expected a folder {_AS_KNOWN}")
    if masked(place) != place:
        raise ExperimentError(
            f"{option} {masked(place)}: a job's log shows its command, so no secret can be in it; "
            "give the cluster's machines credentials of their own"
        )


def _beside(run: str) -> str:
    """The folder `cache` in the folder that a run folder or store lies in."""
    if not is_uri(run):
        return str(PurePosixPath(run).parent / "cache")
    place = urlsplit(run)
    return place._replace(path=str(PurePosixPath(place.path).parent / "cache")).geturl()
