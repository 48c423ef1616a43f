"""The command that hands a sweep to a cluster from afar."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.options import (
    Device,
    DeviceOption,
    KeepWeightsOption,
    LossesOption,
    SetOption,
    SlotsOption,
    StallAfterOption,
    ThreadsOption,
    TrialsPerGpuOption,
    TrustOption,
    WidthOption,
)
from sweep.workers import STALL_AFTER, Workers

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient


def submit(
    experiment: Annotated[
        str | None,
        typer.Argument(help="A YAML file, a run folder or a built-in name (sample, paper, ...)."),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Run folder, as the cluster's machines know it.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Data folder, as the head knows it.")
    ] = None,
    cache: Annotated[
        str | None,
        typer.Option(
            "--cache",
            help="Feature cache, as the cluster's machines know it.",
            show_default="the cluster's $SOFTSWEEP_CACHE or cache beside the run folder",
        ),
    ] = None,
    set_: SetOption = None,
    losses: LossesOption = None,
    device: DeviceOption = Device.AUTO,
    trials_per_gpu: TrialsPerGpuOption = 1,
    width: WidthOption = None,
    threads: ThreadsOption = None,
    slots: SlotsOption = None,
    stall_after: StallAfterOption = STALL_AFTER,
    trust_run_losses: TrustOption = False,
    keep_weights: KeepWeightsOption = False,
    dashboard: Annotated[
        str | None,
        typer.Option(
            "--dashboard",
            metavar="URL",
            help="The cluster's dashboard.",
            show_default="$RAY_API_SERVER_ADDRESS or http://localhost:8265",
        ),
    ] = None,
    follow: Annotated[
        str | None,
        typer.Option("--follow", metavar="JOB", help="Only follow a job handed in before."),
    ] = None,
    stop: Annotated[
        str | None, typer.Option("--stop", metavar="JOB", help="Only stop a job.")
    ] = None,
) -> None:
    """Run an experiment on a cluster, as a Ray job, and follow its log.

    softsweep itself, the experiment and its loss files are sent, nothing else: paths of folders are
    the cluster's. A lost connection or Ctrl-C does not stop the job.
    """
    from sweep.errors import ExperimentError
    from sweep.jobs import connect, dashboard_address, hand_in
    from sweep.jobs import stop as stop_job
    from sweep.submitting import checked_job, entrypoint, travelling_files

    if sum(choice is not None for choice in (experiment, follow, stop)) != 1:
        raise ExperimentError("submit: expected one of EXPERIMENT, --follow JOB and --stop JOB")
    address = dashboard_address(dashboard)
    if experiment is not None:
        Workers("ray", "auto", device.value, trials_per_gpu, width, threads, stall_after, slots)
        options = {
            "--device": device.value,
            "--trials-per-gpu": trials_per_gpu,
            "--width": width,
            "--threads": threads,
            "--slots": slots,
            "--stall-after": stall_after,
            "--keep-weights": keep_weights,
        }
        command = entrypoint(out, cache, data, options)
        files = travelling_files(
            checked_job(experiment, set_ or (), losses or (), trust_run_losses)
        )
        client = connect(address, _say)
        job = hand_in(client, files, command)
        _say(f"handed in as {job}; it goes on without this machine")
        _follow(client, job, address, out)
    elif follow is not None:
        _follow(connect(address, _say), follow, address, "RUN")
    elif stop is not None:
        running = stop_job(connect(address, _say), stop)
        _say(f"{stop} {'is being stopped' if running else 'had ended before'}")


def _follow(client: "JobSubmissionClient", job: str, address: str, run: str | None) -> None:
    """Print a job's log until the job ends, and end as it did; Ctrl-C only ends the printing."""
    from sweep.following import exit_status, follow

    try:
        ended = follow(client, job, _write, _say)
    except KeyboardInterrupt:
        _say(f"no longer followed, the job goes on; with --dashboard {address}")
        _say(f"  softsweep submit --follow {job}   follows it again")
        _say(f"  softsweep submit --stop {job}   stops it")
        _say(f"  softsweep status {run}   shows how far it is, where the folder can be read")
        return
    raise typer.Exit(exit_status(job, ended))


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # else it would be taken for the cluster's
        sys.stderr.close()
        sys.exit(0)


def _say(line: str) -> None:
    typer.echo(line, err=True)
