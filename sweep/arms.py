"""Arms: what is compared, each under a key that hashes all that determines its result."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from features import Features
from model.catalogue import LossSource, checked_parameters
from model.parameters import Value
from model.settings import NetworkSettings, TrainSettings
from sweep.experiment import Experiment

RESULT_REVISION = 3
"""Goes up when a change of softsweep's own code changes what an arm records."""

OFF = {
    "train": {"bce_weight": 0.0, "polarisation": 0.0, "ramp_epochs": 0.0, "weight_decay": 0.0},
    "network": {"dropout": 0.0},
}
"""Settings that arms recorded by an earlier version lack. At these values they change nothing, and
are left out of the key, so that such arms are not trained again."""


@dataclass(frozen=True)
class Arm:
    """One thing being compared; the unit of record.

    Attributes:
        features: sha256 of the feature bytes.
        loss_sha256: hash of the file that declares the loss.
        parameters: of the loss, those that differ from its defaults.
        defaults: of all its parameters; the file that declares them is in the key already.
        ranks: whether the loss has no natural threshold.
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
    parameters: Mapping[str, Value]
    defaults: Mapping[str, Value]
    ranks: bool
    batch_size: int
    seed: int
    train: Mapping[str, Any]
    network: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """Content hash of all that determines the result."""
        return hashed(self._content() | {"seed": self.seed})

    @property
    def cell(self) -> str:
        """Content hash of the same without the seed."""
        return hashed(self._content())

    @property
    def words(self) -> str:
        """The arm as people know it."""
        return f"{self.label} {self.language} b={self.batch_size} seed={self.seed}"

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting that has no column of its own in `arms`."""
        parameters = dict(self.defaults) | dict(self.parameters)
        return {
            **self.train,
            **{f"network.{key}": value for key, value in self.network.items()},
            **{f"loss.{key}": value for key, value in parameters.items()},
            **({"ranks": True} if self.ranks else {}),
        }

    @property
    def signature(self) -> str:
        """The arm in one line, for citing: what was trained, how, on which features."""
        facts = {
            "corpus": self.corpus,
            "lang": self.language,
            "loss": self.loss,
            **self.parameters,
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
        shown_only = ("seed", "label", "own_metric", "defaults", "ranks")
        content = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in shown_only}
        if not self.parameters:
            del content["parameters"]
        for section, off in OFF.items():
            given = content[section].items()
            content[section] = {k: v for k, v in given if k not in off or v != off[k]}
        return content | {"revision": RESULT_REVISION}


def hashed(content: object) -> str:
    """Content hash, as the keys of arms, studies and groups have it."""
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
        arm_of(
            features[language],
            losses[entry.name],
            parameters,
            batch_size,
            seed,
            train,
            experiment.network,
        )
        for batch_size in sorted(experiment.grid.batch_size)
        for seed in experiment.grid.seed
        for train in experiment.train_settings()
        for language in experiment.languages
        for entry in experiment.grid.loss
        for parameters in entry.combinations()
    ]
    return list({arm.key: arm for arm in arms}.values())


def arm_of(
    features: Features,
    loss: LossSource,
    parameters: Mapping[str, Value],
    batch_size: int,
    seed: int,
    train: TrainSettings,
    network: NetworkSettings,
) -> Arm:
    """The arm of these settings.

    Args:
        features: of its corpus and language.
        loss: as declared.
        parameters: of the loss; those at their default change nothing.
        batch_size: texts per optimiser step.
        seed: of initialisation and batch order.
        train: how it is trained.
        network: its shape.

    Raises:
        LossError: the loss has no such parameter, or the value is of another type.
    """
    given = checked_parameters(loss, parameters)
    return Arm(
        corpus=features.corpus,
        language=features.language,
        features=features.sha256,
        loss=loss.name,
        label=loss.label,
        own_metric=loss.own_metric,
        loss_sha256=loss.sha256,
        parameters={k: v for k, v in given.items() if v != loss.parameters[k]},
        defaults=dict(loss.parameters),
        ranks=loss.ranks,
        batch_size=batch_size,
        seed=seed,
        train=train.model_dump(mode="json"),
        network=network.model_dump(mode="json"),
    )


def train_settings(arm: Arm) -> TrainSettings:
    """The arm's training settings, checked."""
    return TrainSettings(**arm.train)


def network_settings(arm: Arm) -> NetworkSettings:
    """The arm's network settings, checked."""
    return NetworkSettings(**arm.network)
