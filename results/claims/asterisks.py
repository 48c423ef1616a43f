"""Claim 3: the asterisks of Tables 2 and 3."""

from model.metrics import METRICS
from results.baselines import BASELINES
from results.claims.decision import CONFIRMED, CONTRADICTED, UNDECIDED, Opinion, Part
from results.claims.measures import Measure, Measures, Pair
from results.claims.registry import LOSSES, PLAIN, claim
from results.errors import RecordError
from results.layout import PAPER_BATCH, PAPER_CORPUS, published_scores
from results.pairing import mean, paired


@claim(3, "the asterisks of Tables 2 and 3 are where they are", "Tables 2 and 3")
def pattern(subject: str, measures: Measures, pair: Pair) -> Opinion:
    """The paper's rule on this run, cell by cell: above the intervals of BCE and of MSE.

    An asterisk that the paper lacks contradicts its pattern. One that is lacking here does not, as
    intervals that overlap show nothing; it takes a paired difference below BCE or MSE.
    """
    published = published_scores({"corpus": PAPER_CORPUS, "language": pair[1]})
    if not published:
        raise RecordError(f"the paper has no scores of language {pair[1]}")
    at = {"b": PAPER_BATCH, **PLAIN}
    cells = {loss: measures.cell(pair, loss, at) for loss in (*LOSSES, *BASELINES)}
    cases = len(METRICS) * len(LOSSES)
    more, fewer, against = [], [], []
    for metric in METRICS:
        values = {loss: measures.of(cell, Measure(metric)) for loss, cell in cells.items()}
        over = {loss: mean(values[loss]).over_texts for loss in cells}
        for loss, name in LOSSES.items():
            star = over[loss][0] > max(over[baseline][1] for baseline in BASELINES)
            here = f"{name} on {METRICS[metric].label}"
            if star and not published[loss][metric].star:
                more.append(here)
            elif not star and published[loss][metric].star:
                fewer.append(here)
                for baseline in BASELINES:
                    found = paired(values[loss], values[baseline])
                    part = found and Part(f"{here} over {baseline.upper()}", found)
                    if part and part.verdict(of=cases) == CONTRADICTED:
                        against.append(str(part))
    said = [f"{cases - len(more) - len(fewer)} of {cases} agree"]
    said += [f"only here {', '.join(more)}"] * bool(more)
    said += [f"only in the paper {', '.join(fewer)}"] * bool(fewer)
    said += [f"shown worse: {'; '.join(against)}"] * bool(against)
    verdict = CONTRADICTED if more or against else UNDECIDED if fewer else CONFIRMED
    lacking = " An asterisk that is lacking shows no difference." if verdict == UNDECIDED else ""
    return Opinion(verdict, f"{'; '.join(said)}.{lacking}")
