"""Studies: what settings are searched for, and by which part of dev they are judged.

Each loss with its parameters, batch size and language has one study where the corpus has a test
split. Without one it has two: each half of dev chooses the setting that is scored on the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from features import Features
from model.catalogue import LossSource
from model.parameters import Value
from model.settings import NetworkSettings, TrainSettings
from sweep.arms import Arm, arm_of, hashed
from sweep.plan import Job
from sweep.sampling import Try, next_settings
from sweep.searchspec import LOSS, NETWORK, SearchSettings
from sweep.space import Setting, Space, checked

HALVES = ("dev/a", "dev/b")


@dataclass(frozen=True)
class Case:
    """What a setting is sought for.

    Attributes:
        features: of its corpus and language.
        loss: as declared.
        parameters: of the loss, as the grid gives them.
        batch_size: texts per optimiser step.
        network: shape of the network, but for what is searched.
    """

    features: Features
    loss: LossSource
    parameters: Mapping[str, Value]
    batch_size: int
    network: NetworkSettings

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of dev that each choose a setting."""
        return ("dev",) if "test" in self.features.splits else HALVES

    @property
    def columns(self) -> dict[str, Any]:
        """What records say of it."""
        return {
            "corpus": self.features.corpus,
            "language": self.features.language,
            "loss": self.loss.name,
            "label": self.loss.label,
            "batch_size": self.batch_size,
        }

    def arm(self, train: TrainSettings, setting: Setting, seed: int) -> Arm:
        """The arm that is trained with a setting.

        Args:
            train: training settings, but for what is searched.
            setting: what is searched.
            seed: of the arm.
        """
        parts: dict[str, dict[str, Value]] = {"": {}, NETWORK: {}, LOSS: {}}
        for name, value in setting.items():
            prefix = next((p for p in (NETWORK, LOSS) if name.startswith(p)), "")
            parts[prefix][name.removeprefix(prefix)] = value
        return arm_of(
            self.features,
            self.loss,
            {**self.parameters, **parts[LOSS]},
            self.batch_size,
            seed,
            checked(TrainSettings, train.model_dump() | parts[""]),
            checked(NetworkSettings, self.network.model_dump() | parts[NETWORK]),
        )

    def __str__(self) -> str:
        parameters = "".join(f" {name}={value}" for name, value in self.parameters.items())
        return f"{self.loss.label}{parameters} {self.features.language} b={self.batch_size}"


@dataclass(frozen=True)
class Study:
    """A search for one case's setting, judged on one part of dev.

    Attributes:
        case: what a setting is sought for.
        part: of dev that judges.
        search: how.
        train: training settings of its tries, but for what is searched.
    """

    case: Case
    part: str
    search: SearchSettings
    train: TrainSettings

    @cached_property
    def space(self) -> Space:
        """What is tried."""
        return self.search.space_of(self.case.loss)

    @property
    def columns(self) -> dict[str, Any]:
        """What records say of it."""
        judged = {"study": self.key, "metric": self.search.metric, "part": self.part}
        return self.case.columns | judged

    @cached_property
    def key(self) -> str:
        """Content hash of all that decides what is tried and how it is judged.

        The number of tries is not in it: with more of them, a study goes on.
        """
        decides = self.search.model_dump(mode="json", exclude={"tries", "epochs", "space"})
        space = {name: _plain(axis) for name, axis in self.space.items()}
        return hashed([self._cell, self.part, decides, list(space.items())])

    @cached_property
    def _cell(self) -> str:
        """Of an arm with no setting: stands for features, loss, batch size and base settings."""
        return self.case.arm(self.train, {}, self.search.seed).cell

    def arm(self, setting: Setting) -> Arm:
        """The arm that tries a setting."""
        return self.case.arm(self.train, setting, self.search.seed)

    def warmup(self, setting: Setting) -> int:
        """Epochs of the warm-up of a try."""
        return int(setting.get("warmup_epochs", self.train.warmup_epochs))

    def ask(self, told: Sequence[Try], batch: int) -> list[Setting]:
        """The settings of a batch that were not told yet.

        Its sampler depends on neither the part of dev nor the number of tries. So the first batches
        of two halves coincide, and a study that is given more tries goes on as if it had had them.

        Args:
            told: its tries so far.
            batch: number of the batch, from 0; all earlier ones were told.
        """
        size = self.search.batch
        earlier = [attempt for attempt in told if attempt.batch < batch]
        have = [attempt.setting for attempt in told if attempt.batch == batch]
        lacking = min(size, self.search.tries - batch * size) - len(have)
        if lacking <= 0:
            return []
        seed = int(hashed([self.search.seed, self._cell, batch])[:8], 16)
        settings = next_settings(self.space, earlier, size, self.search.tries, seed)
        return [setting for setting in settings if setting not in have][:lacking]


def studies_of(job: Job, features: Mapping[str, Features]) -> list[list[Study]]:
    """The studies of a search, those of one case together.

    Args:
        job: the job, which has a search.
        features: by language.
    """
    experiment, search = job.experiment, job.experiment.search
    if search is None:
        raise ValueError("the experiment has no search")
    train = search.of_tries(experiment.train_settings()[0])
    found = [
        [Study(case, part, search, train) for part in case.parts] for case in _cases(job, features)
    ]
    # A loss that is listed with a parameter at its default as well is the same loss.
    return list({studies[0].key: studies for studies in found}.values())


def _cases(job: Job, features: Mapping[str, Features]) -> Iterator[Case]:
    for batch_size in sorted(job.experiment.grid.batch_size):
        for entry in features.values():
            for loss in job.experiment.grid.loss:
                for parameters in loss.combinations():
                    network = job.experiment.network
                    yield Case(entry, job.losses[loss.name], parameters, batch_size, network)


def _plain(axis: Any) -> Any:
    return axis.model_dump() if hasattr(axis, "model_dump") else axis
