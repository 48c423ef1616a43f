"""Arguments and options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sweep.workers import CPU_WIDTH, GPU_WIDTH, MOST_THREADS


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
    str, typer.Argument(help="A YAML file or a built-in name (sample, paper).")
]
RunArgument = Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder with corpora, lexicons and texts, at any depth."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Run folder.", show_default="runs/EXPERIMENT")
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
        "--cache", help="Feature cache.", show_default="$SOFTSWEEP_CACHE or ~/.cache/softsweep"
    ),
]
ExecutorOption = Annotated[Executor, typer.Option(help="Where arms are trained.")]
AddressOption = Annotated[str | None, typer.Option(help="A running Ray cluster.")]
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
FormOption = Annotated[Form, typer.Option("--format", help="How to print tables.")]
