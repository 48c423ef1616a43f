"""The Tversky index: a Jaccard index that weighs false positives and false negatives."""

from torch import Tensor

from model import ratio, soft_metric


@soft_metric(label="Tversky", source="Salehi et al. 2017, by class")
def tversky(o: Tensor, y: Tensor, *, alpha: float = 0.3, beta: float = 0.7) -> Tensor:
    """mean_j [ TP / (TP + α FP + β FN) ], TP = Σ_i y·o, FP = Σ_i (1 − y) o, FN = Σ_i y (1 − o)

    α = β = ½ is `soft_macro_f1`, α = β = 1 `soft_macro_jaccard`.
    """
    tp, fp, fn = (y * o).sum(dim=0), ((1 - y) * o).sum(dim=0), (y * (1 - o)).sum(dim=0)
    return ratio(tp, tp + alpha * fp + beta * fn, empty=0.0).mean()
