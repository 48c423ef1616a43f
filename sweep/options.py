"""Arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sweep.errors import PlaceError
from sweep.workers import CPU_WIDTH, GPU_WIDTH, MOST_THREADS


def pulled(place: str) -> Path:
    """A folder as it was typed, or the mirror of a URI, with all that lies there.

    Raises:
        PlaceError: the URI cannot be read.
    """
    return _local(place, pull=True)


def mirrored(place: str) -> Path:
    """A folder as it was typed, or the mirror of a URI, which whoever uses it pulls.

    Raises:
        PlaceError: there can be no mirror.
    """
    return _local(place, pull=False)


def _local(place: str, pull: bool) -> Path:
    from results.errors import RecordError
    from results.mirror import local_folder

    try:
        return local_folder(place, pull=pull)
    except RecordError as error:
        raise PlaceError(str(error)) from error


class Form(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    LATEX = "latex"


class Executor(StrEnum):
    """Where arms are trained."""

    RAY = "ray"
    INLINE = "inline"


class Device(StrEnum):
    """What arms are trained on."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


ExperimentArgument = Annotated[
    str,
    typer.Argument(help="A YAML file, a run folder, or a built-in name (sample, paper, losses)."),
]
RunArgument = Annotated[
    Path, typer.Argument(help="A run folder or its URI.", metavar="RUN", parser=pulled)
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder or URI with corpora, lexicons and texts, at any depth.",
        parser=pulled,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="RUN",
        help="Run folder or URI.",
        show_default="runs/EXPERIMENT",
        parser=pulled,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a setting: grid.seed=[0,1,2]."),
]
LossesOption = Annotated[
    list[Path] | None,
    typer.Option("--losses", metavar="FILE", help="A file with losses of your own."),
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust-run-losses", help="Run losses that the run folder brings."),
]
KeepWeightsOption = Annotated[
    bool,
    typer.Option(
        "--keep-weights", help="Keep the weights of chosen epochs, for predict and score."
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Feature cache, a folder or URI.",
        show_default="$SOFTSWEEP_CACHE or ~/.cache/softsweep",
        parser=mirrored,
    ),
]
ExecutorOption = Annotated[Executor, typer.Option(help="Where arms are trained.")]
AddressOption = Annotated[
    str | None,
    typer.Option(metavar="auto|HOST[:PORT]", help="A running Ray cluster to use."),
]
DeviceOption = Annotated[Device, typer.Option(help="What they are trained on.")]
TrialsPerGpuOption = Annotated[int, typer.Option(help="Trials that share a GPU.")]
WidthOption = Annotated[
    int | None,
    typer.Option(
        "--width",
        help="Most arms trained together.",
        show_default=f"{GPU_WIDTH} on a GPU, {CPU_WIDTH} on a CPU",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="Threads of a trial.",
        show_default=f"what leaves no core idle, at most {MOST_THREADS}",
    ),
]
StallAfterOption = Annotated[
    float,
    typer.Option(
        "--stall-after",
        metavar="SECONDS",
        help="Seconds without a step after which a trial on Ray counts as hung; 0 for never.",
    ),
]
ProbeOption = Annotated[
    bool,
    typer.Option(
        "--probe", help="Train for a few seconds, here or on a cluster, to tell time and cost."
    ),
]
SlotsOption = Annotated[
    int | None,
    typer.Option(
        "--slots",
        help="Trials at once, where the cluster starts machines when asked.",
        show_default="those of the machine, or of the cluster as it is",
    ),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        help="A price table of your own.",
        show_default="the built-in one",
    ),
]
FormOption = Annotated[Form, typer.Option("--format", help="How to print tables.")]
