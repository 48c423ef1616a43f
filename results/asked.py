"""What a user asks for by name, held against what there is."""

from model.metrics import METRICS
from results.errors import RecordError
from results.thresholds import THRESHOLDS


def check_metric(metric: str) -> None:
    """Make sure that there is such a metric.

    Raises:
        RecordError: there is none; the message lists those there are.
    """
    if metric not in METRICS:
        raise RecordError(f"no metric named {metric}; the metrics are {', '.join(METRICS)}")


def check_threshold(threshold: str) -> None:
    """Make sure that there is such a rule of the threshold.

    Raises:
        RecordError: there is none; the message lists those there are.
    """
    if threshold not in THRESHOLDS:
        raise RecordError(f"no threshold {threshold!r}; there are {', '.join(THRESHOLDS)}")
