"""What a search will take at most, before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass

from features import Features
from sweep.plan import Job
from sweep.space import size
from sweep.studies import Study, studies_of


@dataclass(frozen=True)
class Budget:
    """The search of one language and batch size.

    Attributes:
        language: its language.
        batch_size: texts per optimiser step.
        studies: one for each loss with its parameters and each part of dev that chooses.
        tries: settings that each of them tries, at most.
        tried: arms that try settings, at most: halves of dev may try the same.
        tried_epochs: of each of those, at most.
        trained: arms trained with the settings chosen, at most: halves may choose the same.
        trained_epochs: of each of those.
    """

    language: str
    batch_size: int
    studies: int
    tries: int
    tried: int
    tried_epochs: int
    trained: int
    trained_epochs: int

    @property
    def epochs(self) -> int:
        """Epochs of all arms together, at most."""
        return self.tried * self.tried_epochs + self.trained * self.trained_epochs


def search_budget(job: Job, features: Mapping[str, Features]) -> list[Budget]:
    """What a search takes at most, by language and batch size.

    Args:
        job: the job, which has a search.
        features: by language, of all its languages or of some.
    """
    cases: dict[tuple[str, int], list[list[Study]]] = {}
    for studies in studies_of(job, features):
        case = studies[0].case
        cases.setdefault((case.features.language, case.batch_size), []).append(studies)
    grid, trains = job.experiment.grid, job.experiment.train_settings()
    return [
        Budget(
            language=language,
            batch_size=batch_size,
            studies=sum(map(len, here)),
            tries=max(_tries(studies[0]) for studies in here),
            tried=sum(map(_arms, here)),
            tried_epochs=here[0][0].train.epochs,
            trained=sum(map(len, here)) * len(trains) * len(grid.seed),
            trained_epochs=trains[0].epochs,
        )
        for (language, batch_size), here in cases.items()
    ]


def _tries(study: Study) -> int:
    return int(min(study.search.tries, size(study.space)))


def _arms(studies: list[Study]) -> int:
    """Arms that the studies of a case try at most; they share the settings told nothing yet."""
    tries, first = _tries(studies[0]), studies[0].search.batch
    shared = tries if size(studies[0].space) <= tries else min(first, tries)
    return shared + len(studies) * (tries - shared)
