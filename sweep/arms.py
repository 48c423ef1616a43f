"""Arms: what is compared, each under a key that hashes all that determines its result."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features import Features
from model.catalogue import LossSource
from model.settings import NetworkSettings, TrainSettings
from sweep.experiment import Experiment

RESULT_REVISION = 3
"""Goes up when a change of softsweep's own code changes what an arm records."""


@dataclass(frozen=True)
class Arm:
    """One thing being compared; the unit of record.

    Attributes:
        features: sha256 of the feature bytes.
        loss_sha256: hash of the file that declares the loss.
        train: `TrainSettings` as a mapping.
        network: `NetworkSettings` as a mapping.
    """

    corpus: str
    language: str
    features: str
    loss: str
    label: str
    own_metric: str
    loss_sha256: str
    batch_size: int
    seed: int
    train: Mapping[str, Any]
    network: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Content hash of all that determines the result."""
        return _hash(self._content() | {"seed": self.seed})

    @property
    def cell(self) -> str:
        """Content hash of the same without the seed."""
        return _hash(self._content())

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting that has no column of its own in `arms`."""
        return dict(self.train) | {f"network.{key}": value for key, value in self.network.items()}

    @property
    def signature(self) -> str:
        """The arm in one line, for citing: what was trained, how, on which features."""
        facts = {
            "corpus": self.corpus,
            "lang": self.language,
            "loss": self.loss,
            "b": self.batch_size,
            "seed": self.seed,
            "epochs": self.train["epochs"],
            "lr": self.train["learning_rate"],
            "warmup": self.train["warmup_epochs"],
            "products": self.train["precision"],
            "features": self.features[:12],
            "revision": RESULT_REVISION,
        }
        return "|".join(f"{key}:{value}" for key, value in facts.items())

    @property
    def columns(self) -> dict[str, Any]:
        """What a row of `arms` says of the arm itself, whatever became of it."""
        return {
            "arm": self.key,
            "cell": self.cell,
            "corpus": self.corpus,
            "language": self.language,
            "loss": self.loss,
            "label": self.label,
            "own_metric": self.own_metric,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "features": self.features,
            "loss_sha256": self.loss_sha256,
            "settings": json.dumps(self.settings, sort_keys=True),
        }

    def _content(self) -> dict[str, Any]:
        content = asdict(self)
        for shown_only in ("seed", "label", "own_metric"):
            del content[shown_only]
        return content | {"revision": RESULT_REVISION}


def _hash(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def expand(
    experiment: Experiment, features: Mapping[str, Features], losses: Mapping[str, LossSource]
) -> list[Arm]:
    """Every arm that an experiment wants, those that take longest (small batches) first.

    Args:
        experiment: what is wanted.
        features: by language.
        losses: every known loss by name.
    """
    arms = [
        Arm(
            corpus=features[language].corpus,
            language=language,
            features=features[language].sha256,
            loss=loss,
            label=losses[loss].label,
            own_metric=losses[loss].own_metric,
            loss_sha256=losses[loss].sha256,
            batch_size=batch_size,
            seed=seed,
            train=train.model_dump(mode="json"),
            network=experiment.network.model_dump(mode="json"),
        )
        for batch_size in sorted(experiment.grid.batch_size)
        for seed in experiment.grid.seed
        for train in experiment.train_settings()
        for language in experiment.languages
        for loss in experiment.grid.loss
    ]
    return list({arm.key: arm for arm in arms}.values())


def train_settings(arm: Arm) -> TrainSettings:
    """The arm's training settings, checked."""
    return TrainSettings(**arm.train)


def network_settings(arm: Arm) -> NetworkSettings:
    """The arm's network settings, checked."""
    return NetworkSettings(**arm.network)
