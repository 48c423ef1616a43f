"""Ray Jobs as softsweep uses them: hand a job in, ask for it, stop it; `following` hears its log.

All of it is HTTP to the dashboard, which a head offers to itself only: from elsewhere it is reached
through an SSH tunnel. A job needs nobody who follows it.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.errors import one_line
from sweep.errors import ExperimentError
from sweep.wheel import archive

if TYPE_CHECKING:
    from ray.dashboard.modules.job.pydantic_models import JobDetails
    from ray.job_submission import JobSubmissionClient

DASHBOARD = "http://localhost:8265"
"""Where a tunnel to the head's dashboard begins, unless it is said otherwise."""

ANSWER = 30.0
"""Seconds that the dashboard may take to answer."""

STOPPING = {"RAY_JOB_STOP_SIGNAL": "SIGINT", "RAY_JOB_STOP_WAIT_TIME_S": "30"}
"""A job is stopped as by Ctrl-C, and may take some time over it."""

AGAIN = "what is recorded is kept, submit it again to go on"


def dashboard_address(given: str | None) -> str:
    """The dashboard's address: as given, else `$RAY_API_SERVER_ADDRESS`, else `DASHBOARD`.

    Raises:
        ExperimentError: it is an address of another kind.
    """
    address = given or os.environ.get("RAY_API_SERVER_ADDRESS") or DASHBOARD
    if "://" not in address:
        address = f"http://{address}"
    if not address.startswith(("http://", "https://")):
        raise ExperimentError(
            f"--dashboard {address}: expected the dashboard's address, such as {DASHBOARD}; over "
            "ray:// a lost connection would stop the sweep, a job goes on without one"
        )
    return address.rstrip("/")


def connect(address: str, say: Callable[[str], None]) -> "JobSubmissionClient":
    """Reach a dashboard and be let in.

    Args:
        address: as `dashboard_address` gives it.
        say: told when the head's Ray is another than this machine's.

    Raises:
        ExperimentError: Ray Jobs are not installed here, nobody answers, or the token is missing or
            not the cluster's.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # read when ray is imported
    os.environ["RAY_API_SERVER_ADDRESS"] = address  # else $RAY_ADDRESS counts, not what Ray is told
    try:
        import aiohttp  # noqa: F401  without it only following would fail
        from ray.exceptions import AuthenticationError
        from ray.job_submission import JobSubmissionClient
    except ImportError:
        raise ExperimentError("submit needs Ray Jobs: pip install 'softsweep[cluster]'") from None

    for handler in logging.getLogger("ray").handlers:
        handler.setLevel(logging.ERROR)  # what matters of it is said here, in a sentence

    class Client(JobSubmissionClient):
        """One that does not wait for ever: a dead tunnel never answers."""

        def _do_request(self, *arguments: Any, **options: Any) -> Any:
            return super()._do_request(*arguments, **{"timeout": ANSWER, **options})

    try:
        client = Client(address)
    except AuthenticationError as error:
        raise ExperimentError(_refused(address, error)) from None
    except (OSError, RuntimeError, KeyError, ValueError):  # requests' errors are OSErrors
        raise ExperimentError(
            f"--dashboard {address}: no Ray dashboard answers; `ray dashboard cluster.yaml` makes "
            f"{DASHBOARD} the head's"
        ) from None
    _compare_versions(client, say)
    return client


def hand_in(client: "JobSubmissionClient", files: Mapping[str, bytes], entrypoint: str) -> str:
    """Send files, and start a command on the head in the folder that they are unpacked to.

    Returns:
        The job's name.

    Raises:
        ExperimentError: the connection was lost, or the head could not take it.
    """
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "softsweep.zip"
        package.write_bytes(archive(files))
        environment = {"working_dir": str(package), "env_vars": STOPPING}
        try:
            job: str = client.submit_job(entrypoint=entrypoint, runtime_env=environment)
        except (OSError, RuntimeError) as error:
            raise ExperimentError(
                f"{client.get_address()}: the job was not taken ({one_line(error)}); "
                "submit it again"
            ) from None
    return job


def details(client: "JobSubmissionClient", job: str) -> "JobDetails":
    """What the cluster knows of a job.

    Raises:
        ExperimentError: nothing, or the token is refused.
        OSError, RuntimeError: the dashboard cannot be reached, or is starting.
    """
    from ray.exceptions import AuthenticationError

    try:
        return client.get_job_info(job)
    except AuthenticationError as error:
        raise ExperimentError(_refused(client.get_address(), error)) from None
    except RuntimeError as error:
        if "status code 404" not in str(error):
            raise
        raise ExperimentError(
            f"the cluster knows no job {job}; if its head was started anew: {AGAIN}"
        ) from None


def stop(client: "JobSubmissionClient", job: str) -> bool:
    """Ask a job to stop.

    Returns:
        Whether it was running.

    Raises:
        ExperimentError: there is no such job, or the connection was lost.
    """
    try:
        details(client, job)
        return bool(client.stop_job(job))
    except (OSError, RuntimeError) as error:
        raise ExperimentError(f"{client.get_address()}: {job} was not stopped ({error})") from None


def _refused(address: str, error: Exception) -> str:
    """Why somebody is not let in, and what would help."""
    if str(error).startswith("Authentication failed"):
        why, else_ = "this machine's token is not the cluster's", "name it in $RAY_AUTH_TOKEN_PATH"
    else:
        why = "this machine has no token of the cluster"
        else_ = "set RAY_AUTH_MODE=disabled, if that cluster goes without"
    return (
        f"--dashboard {address}: {why}: copy ~/.ray/auth_token of its head to the same place here "
        f"(or {else_})"
    )


def _compare_versions(client: "JobSubmissionClient", say: Callable[[str], None]) -> None:
    import ray

    theirs = getattr(client, "_server_ray_version", None) or ray.__version__
    if theirs != ray.__version__:
        say(f"the cluster runs Ray {theirs}, this machine {ray.__version__}: jobs may not work")
