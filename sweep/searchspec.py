"""The section `search` of an experiment: which settings are searched, and with what budget."""

from collections.abc import Callable, Mapping, Sequence

from pydantic import Field, field_validator

from model.catalogue import LossSource, checked_parameters
from model.errors import LossError
from model.metrics import METRICS
from model.parameters import Value
from model.settings import NetworkSettings, Settings, TrainSettings
from sweep.errors import ExperimentError
from sweep.grid import SWEPT, Grid
from sweep.space import Axis, Choices, Range, checked, of_type

NETWORK, LOSS = "network.", "loss."
"""How the names of settings begin that are not training's."""


class SearchSettings(Settings):
    """How settings are searched for each loss, batch size and language, and with what budget.

    Attributes:
        metric: judges a try, on dev.
        tries: settings tried for each of them.
        batch: of those, how many are asked for together.
        seed: of the sampler, and of the arms tried.
        epochs: of a try; those of `train` by default.
        prune: whether tries that lag behind the earlier ones are stopped.
        space: what is tried, by setting: `learning_rate`, `network.filters`, `loss.gamma`.
    """

    metric: str
    tries: int = Field(ge=1, le=10_000)
    batch: int = Field(4, ge=1)
    seed: int = Field(1000, ge=0, lt=2**32)
    epochs: int | None = Field(None, ge=1, lt=2**31)
    prune: bool = False
    space: dict[str, Axis] = Field(min_length=1)

    @field_validator("metric")
    @classmethod
    def _is_known(cls, metric: str) -> str:
        if metric not in METRICS:
            raise ValueError(f"expected one of {', '.join(METRICS)}, not {metric!r}")
        return metric

    @field_validator("space")
    @classmethod
    def _is_of_settings(cls, space: dict[str, Choices | Range]) -> dict[str, Choices | Range]:
        typed = {}
        for name, axis in space.items():
            try:
                typed[name] = axis if name.startswith(LOSS) else of_type(axis, _typed(name))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return typed

    def space_of(self, loss: LossSource) -> dict[str, Choices | Range]:
        """What is tried for a loss: without parameters that it has not.

        Raises:
            ExperimentError: a value is not what a parameter may be.
        """
        space = {}
        for name, axis in self.space.items():
            parameter = name.removeprefix(LOSS)
            if not name.startswith(LOSS):
                space[name] = axis
            elif parameter in loss.parameters:
                try:
                    space[name] = of_type(axis, _typed_parameter(loss, parameter))
                except (LossError, ValueError) as error:
                    raise ExperimentError(f"search.space.{name}: {error}") from None
        return space

    def of_tries(self, train: TrainSettings) -> TrainSettings:
        """Training settings of a try, but for what is searched.

        Raises:
            ValueError: its epochs are too few for the others.
        """
        return checked(TrainSettings, train.model_dump() | {"epochs": self.epochs or train.epochs})


def _typed(name: str) -> Callable[[Value], Value]:
    """What checks a value of a setting and gives it its type."""
    kind: type[Settings] = NetworkSettings if name.startswith(NETWORK) else TrainSettings
    key = name.removeprefix(NETWORK)
    if key not in kind.model_fields or key == "epochs":
        known = [key for key in TrainSettings.model_fields if key != "epochs"]
        known += [NETWORK + key for key in NetworkSettings.model_fields]
        raise ValueError(f"no such setting; there are {', '.join(known)} and {LOSS}PARAMETER")
    base = {"epochs": 2**31 - 1} if kind is TrainSettings else {}  # any warm-up leaves some

    def typed(value: Value) -> Value:
        kept: Value = getattr(checked(kind, base | {key: value}), key)
        return kept

    return typed


def _typed_parameter(loss: LossSource, name: str) -> Callable[[Value], Value]:
    """What checks a value of a loss's parameter and gives it its type."""
    return lambda value: checked_parameters(loss, {name: value})[name]


def check_search(
    search: SearchSettings,
    grid: Grid,
    trains: Sequence[TrainSettings],
    losses: Mapping[str, LossSource],
) -> None:
    """Make sure that a search goes with the rest of its experiment.

    Args:
        search: the section.
        grid: what is compared.
        trains: training settings, in every combination that the grid lists.
        losses: every known loss by name.

    Raises:
        ExperimentError: it does not.
    """
    if search.seed in grid.seed:
        raise ExperimentError(
            f"search.seed: {search.seed} is in grid.seed as well: what is chosen must be trained "
            "from other seeds than it was chosen by"
        )
    in_grid = {key: f"grid.{key}" for key in SWEPT if getattr(grid, key) is not None}
    for entry in grid.loss:
        in_grid |= {LOSS + name: f"grid.loss ({entry.name})" for name, _ in entry.parameters}
    for name in search.space:
        if name in in_grid:
            raise ExperimentError(
                f"search.space.{name}: is in {in_grid[name]} as well; give it in one of them"
            )
    spaces = [search.space_of(losses[entry.name]) for entry in grid.loss]
    for name in search.space:
        if not any(name in space for space in spaces):
            parameter = name.removeprefix(LOSS)
            raise ExperimentError(f"search.space.{name}: no loss of grid.loss has a {parameter}")
    _check_tries(search, trains)


def _check_tries(search: SearchSettings, trains: Sequence[TrainSettings]) -> None:
    """Make sure that every try, and every arm that it is chosen for, can be trained."""
    try:
        bases = [search.of_tries(trains[0]), *trains]
    except ValueError as error:
        raise ExperimentError(f"search.epochs: {error}") from None
    for name, axis in search.space.items():
        if name.startswith((NETWORK, LOSS)):
            continue
        ends = (axis.low, axis.high) if isinstance(axis, Range) else axis
        for base in bases:
            for value in ends:
                try:
                    checked(TrainSettings, base.model_dump() | {name: value})
                except ValueError as error:
                    raise ExperimentError(f"search.space.{name}: {error}") from None
