"""What a search tries: a list of values or a range for every setting."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BeforeValidator, ValidationError, model_validator

from model.parameters import Value
from model.settings import Settings

Setting = dict[str, Value]
"""A value for each setting that is searched."""

Choices = tuple[Value, ...]

Checked = TypeVar("Checked", bound=Settings)


class Range(Settings):
    """A number from `low` to `high`, whole where these are."""

    low: int | float
    high: int | float
    step: int | float | None = None
    log: bool = False

    @property
    def stride(self) -> int | float | None:
        """Distance of two neighbouring values; None where there are no neighbours."""
        return self.step or (1 if isinstance(self.low, int) else None)

    @property
    def count(self) -> int | None:
        """Number of its values, if there are finitely many."""
        stride = self.stride
        return None if stride is None else math.floor((self.high - self.low) / stride + 1e-9) + 1

    def at(self, place: int) -> int | float:
        """The value at a place, from 0, of those that are finitely many."""
        value = self.low + place * (self.stride or 0)
        return value if isinstance(value, int) else float(f"{value:.12g}")

    def nearest(self, value: float) -> int | float:
        """The one of its values that is nearest; four digits where they are not counted."""
        if self.stride is None or self.count is None:
            return min(max(float(f"{value:.4g}"), self.low), self.high)
        place = round((value - self.low) / self.stride)
        return self.at(min(max(place, 0), self.count - 1))

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if not (math.isfinite(self.low) and self.low < self.high < math.inf):
            raise ValueError(f"low is {self.low} and high is {self.high}; low must be below high")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("with log, low must be above 0 and there is no step")
        if self.step is not None and not 0 < self.step <= self.high - self.low:
            raise ValueError("step must be above 0 and at most high - low")
        return self


def _as_written(given: Any) -> Choices | Range:
    """What is tried for one setting, as a file says it."""
    if isinstance(given, Range):
        return given
    if isinstance(given, Mapping):
        return checked(Range, given)
    if not isinstance(given, list | tuple) or not given:
        raise ValueError(f"expected a list of values or {{low: 1, high: 2}}, not {given!r}")
    for value in given:
        if not isinstance(value, Value):
            raise ValueError(f"expected numbers, strings, true or false, not {value!r}")
    return tuple(given)


Axis = Annotated[Choices | Range, BeforeValidator(_as_written)]
"""What is tried for one setting."""

Space = Mapping[str, Choices | Range]
"""What is tried, by setting."""


def of_type(axis: Choices | Range, typed: Callable[[Value], Value]) -> Choices | Range:
    """The same axis with values of the type that its setting has.

    Args:
        axis: what is tried.
        typed: checks a value of the setting and gives it its type.

    Raises:
        ValueError: a value is wrong.
    """
    if not isinstance(axis, Range):
        values = tuple(typed(value) for value in axis)
        if len(set(values)) < len(values):
            raise ValueError("a value is listed twice")
        return values
    low, high = typed(axis.low), typed(axis.high)
    if isinstance(low, bool | str) or isinstance(high, bool | str):
        raise ValueError("is no number: expected a list of values")
    step = axis.step if axis.step is None else type(low)(axis.step)
    if step != axis.step:
        raise ValueError(f"step must be a whole number, not {axis.step}")
    return Range(low=low, high=high, step=step, log=axis.log)


def size(space: Space) -> float:
    """Number of settings; infinite where a range has no step."""
    counts = (axis.count if isinstance(axis, Range) else len(axis) for axis in space.values())
    return math.prod(math.inf if count is None else count for count in counts)


def all_settings(space: Space) -> Iterator[Setting]:
    """Every setting of a finite space, the last axis changing fastest."""
    axes = list(space.items())

    def settings(chosen: Setting) -> Iterator[Setting]:
        if len(chosen) == len(axes):
            yield chosen
            return
        name, axis = axes[len(chosen)]
        values = map(axis.at, range(axis.count or 0)) if isinstance(axis, Range) else axis
        for value in values:
            yield from settings({**chosen, name: value})

    return settings({})


def checked(kind: type[Checked], values: Mapping[str, Any]) -> Checked:
    """Settings of a kind.

    Raises:
        ValueError: what is wrong, in one sentence.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        message = f"{message[0].lower()}{message[1:]}"
        if first["type"] == "extra_forbidden":
            allowed = ", ".join(kind.model_fields)
            message = f"unknown key {first['loc'][0]}; allowed here: {allowed}"
        elif first["type"] == "missing":
            message = f"{first['loc'][0]} is required"
        elif first["type"] != "value_error":
            message += f", not {first['input']!r}"
        raise ValueError(message) from None
