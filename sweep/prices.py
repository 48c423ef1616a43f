"""What machines cost by the hour: the table beside this file, or one of the user's own."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from model.settings import Settings
from sweep.errors import ExperimentError

BUILT_IN = Path(__file__).with_name("prices.yaml")

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Instance(Settings):
    """A kind of machine.

    Attributes:
        cores: that it has, as its operating system counts them.
        gpus: that it has.
        on_demand: price of an hour.
        spot: price of an hour that the cloud may end at any time; None where it is not offered.
    """

    cores: Annotated[int, Field(ge=1)]
    gpus: Annotated[int, Field(ge=0)] = 0
    on_demand: Price
    spot: Price | None = None

    def trials(self, device: str, threads: int, per_gpu: int) -> int:
        """Trials that it runs at once.

        Args:
            device: on which they train.
            threads: of each.
            per_gpu: that share a GPU.
        """
        by_cores = self.cores // threads
        if device == "cpu":
            return 0 if self.gpus else by_cores  # nobody hires a GPU to leave it idle
        return min(self.gpus * per_gpu, by_cores)


class Head(Settings):
    """The machine that a cluster is driven from.

    Attributes:
        name: its kind.
        on_demand: price of an hour.
    """

    name: str
    on_demand: Price


class Prices(Settings):
    """A price table.

    Attributes:
        as_of: the day of which its prices are.
        source: where they are from, in words.
        currency: of all of them.
        instances: by name.
        head: the machine that a cluster is driven from, if it is to be counted.
    """

    as_of: date
    source: str
    currency: str = "USD"
    instances: Annotated[dict[str, Instance], Field(min_length=1)]
    head: Head | None = None


def read_prices(file: Path | None) -> Prices:
    """Read a price table.

    Args:
        file: the user's own; the built-in one by default.

    Raises:
        ExperimentError: it cannot be read, or a key of it is wrong.
    """
    where = f"--prices {file}" if file else str(BUILT_IN)
    try:
        content = yaml.safe_load((file or BUILT_IN).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ExperimentError(f"{where}: cannot be read ({reason})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ExperimentError(f"{where}: not valid YAML ({reason})") from None
    if not isinstance(content, dict):
        raise ExperimentError(
            f"{where}: expected a mapping with as_of, source and instances, as in {BUILT_IN}"
        )
    try:
        return Prices.model_validate(content)
    except ValidationError as error:
        raise ExperimentError(f"{where}: {_described(error)}") from None


def _described(error: ValidationError) -> str:
    """The first of pydantic's complaints: the key, and what is wrong with it."""
    first: Any = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{key}: is required"
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"{key}: {message}, not {first['input']!r}"
