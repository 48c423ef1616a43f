"""Percentile intervals of 5 arms x 3 metrics at m = 3,259: matrix products against libraries.

The peers do fewer resamples than they would have to; their time is scaled up, and said so.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from scipy.stats import bootstrap as scipy_bootstrap
from sklearn.metrics import f1_score, jaccard_score
from torchmetrics.classification import MultilabelF1Score, MultilabelJaccardIndex
from torchmetrics.wrappers import BootStrapper

from benchmarks.measure import Row, against, seconds
from model.metrics import METRICS, statistics
from results.bootstrap import draw, percentile_interval, resampled_metrics

TITLE = "Bootstrap, one core: 5,000 resamples of 3,259 texts, 5 arms x 3 metrics"
ARMS, TEXTS, CLASSES, RESAMPLES = 5, 3259, 11, 5000


def rows(quick: bool) -> Iterator[Row]:
    """Ours against scikit-learn in a loop, `scipy.stats.bootstrap` and torchmetrics' wrapper."""
    generator = np.random.default_rng(0)
    gold = generator.random((TEXTS, CLASSES)) < 0.22
    predicted = gold ^ (generator.random((ARMS, TEXTS, CLASSES)) < 0.12)

    def ours() -> None:
        resamples = draw(gold, np.random.default_rng(1), RESAMPLES)
        for values in resampled_metrics(resamples, predicted).values():
            percentile_interval(values)

    ours()
    mine = seconds(ours)
    done = 10 if quick else 50

    def scikit_learn() -> None:
        for _ in range(done):
            texts = generator.integers(0, TEXTS, TEXTS)
            for arm in predicted:
                jaccard_score(gold[texts], arm[texts], average="samples", zero_division=1)
                f1_score(gold[texts], arm[texts], average="micro", zero_division=0)
                f1_score(gold[texts], arm[texts], average="macro", zero_division=0)

    scale = RESAMPLES / done
    note = f"scaled from {done} resamples"
    yield against("scikit-learn loop", mine, scale * seconds(scikit_learn), "s", note)

    tables = [statistics(gold, arm) for arm in predicted]

    def scipy() -> None:
        for table in tables:
            for metric in METRICS.values():
                scipy_bootstrap(
                    (np.arange(TEXTS),),
                    lambda texts, table=table, metric=metric: metric(table[texts].sum(axis=0)),
                    n_resamples=done,
                    vectorized=False,
                    method="percentile",
                    rng=np.random.default_rng(0),
                )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a percentile of few resamples is coarse
        yield against("scipy.stats.bootstrap", mine, scale * seconds(scipy), "s", note)

    torch.set_num_threads(1)
    targets = torch.from_numpy(gold).int()

    def torchmetrics() -> None:
        for arm in predicted:
            labels = torch.from_numpy(arm).int()
            for metric in (
                MultilabelJaccardIndex(CLASSES, average="micro", validate_args=False),
                MultilabelF1Score(CLASSES, average="micro", validate_args=False),
                MultilabelF1Score(CLASSES, average="macro", validate_args=False),
            ):
                wrapped = BootStrapper(
                    metric,
                    num_bootstraps=done,
                    quantile=torch.tensor([0.025, 0.975]),
                    sampling_strategy="multinomial",
                )
                wrapped.update(labels, targets)
                wrapped.compute()

    note += "; Jaccard over labels, not texts: it has no other"
    yield against("torchmetrics BootStrapper", mine, scale * seconds(torchmetrics), "s", note)
