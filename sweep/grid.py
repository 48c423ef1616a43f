"""The grid of an experiment: the values whose every combination is compared."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_serializer, model_validator

from model.parameters import Value
from model.settings import Settings

SWEPT = (
    "learning_rate",
    "warmup_epochs",
    "reset_optimizer",
    "bce_weight",
    "polarisation",
    "ramp_epochs",
    "weight_decay",
)
"""Settings of `train` that `grid` may list several values of."""

NonEmpty = Field(min_length=1)
BatchSize = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class LossEntry(Settings):
    """A loss as an experiment lists it: its name, or a mapping `{name: focal, gamma: [1, 2]}`.

    Attributes:
        name: of the loss.
        parameters: by name, the values to compare, one or several.
    """

    name: str
    parameters: tuple[tuple[str, tuple[Value, ...]], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"name": given}
        if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
            raise ValueError(
                "expected the name of a loss, or a mapping such as {name: focal, gamma: [1, 2]}, "
                f"not {given!r}"
            )
        parameters = []
        for name, values in given.items():
            several = values if isinstance(values, list | tuple) else [values]
            if not several or not all(isinstance(value, Value) for value in several):
                raise ValueError(f"{name}: expected a value or a list of values, not {values!r}")
            if name != "name":
                parameters.append((str(name), tuple(several)))
        return {"name": given["name"], "parameters": tuple(parameters)}

    @model_serializer
    def _to_file(self) -> str | dict[str, Any]:
        if not self.parameters:
            return self.name
        lists = {name: list(values) for name, values in self.parameters}
        return {"name": self.name} | {n: v[0] if len(v) == 1 else v for n, v in lists.items()}

    def combinations(self) -> Iterator[dict[str, Value]]:
        """Every combination of its parameters' values; one empty mapping where it lists none."""
        names = [name for name, _ in self.parameters]
        for values in itertools.product(*(values for _, values in self.parameters)):
            yield dict(zip(names, values, strict=True))


class Grid(Settings):
    """What is compared: every combination of the values listed."""

    loss: Annotated[tuple[LossEntry, ...], NonEmpty]
    batch_size: Annotated[tuple[BatchSize, ...], NonEmpty] = (16,)
    seed: Annotated[tuple[Seed, ...], NonEmpty] = (0,)
    learning_rate: Annotated[tuple[float, ...], NonEmpty] | None = None
    warmup_epochs: Annotated[tuple[int, ...], NonEmpty] | None = None
    reset_optimizer: Annotated[tuple[bool, ...], NonEmpty] | None = None
    bce_weight: Annotated[tuple[float, ...], NonEmpty] | None = None
    polarisation: Annotated[tuple[float, ...], NonEmpty] | None = None
    ramp_epochs: Annotated[tuple[float, ...], NonEmpty] | None = None
    weight_decay: Annotated[tuple[float, ...], NonEmpty] | None = None

    @field_validator("*")
    @classmethod
    def _are_distinct(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if values is not None and len(set(values)) < len(values):
            raise ValueError("a value is listed twice")
        return values

    @model_validator(mode="after")
    def _loss_entries_keep_apart(self) -> Self:
        for index, entry in enumerate(self.loss):
            for name, values in entry.parameters:
                if len(set(values)) < len(values):
                    raise ValueError(f"loss[{index}].{name}: a value is listed twice")
        return self
