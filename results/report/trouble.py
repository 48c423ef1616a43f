"""What went wrong: arms that diverged, failed or were stopped, and labels never predicted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from results.labels import cell_labels
from results.layout import Score, is_first
from results.report.markup import Html, cell, element, number, table
from results.report.wording import language_word, several
from results.run import Run
from results.schemas import STATUSES

Arm = Mapping[str, Any]
"""A row of `results.schemas.ARMS`."""

_MOST = 200
"""Rows that are shown of arms gone wrong."""


def broken_parts(run: Run) -> Html | None:
    """Damaged parts that are passed by, each with what is wrong and what to do."""
    said = [why.replace(f"{run.path}/", "") for why in run.broken.values()]
    return element("ul", [element("li", why) for why in said], class_="status") if said else None


def arms_gone_wrong(arms: Sequence[Arm]) -> Html:
    """Arms that are not ok with their errors, those of one cell and error in a row."""
    groups: dict[tuple[str, ...], list[Arm]] = {}
    for arm in arms:
        if arm["status"] != "ok":
            key = (arm["status"], arm["corpus"], arm["language"], arm["cell"], arm["error"])
            groups.setdefault(key, []).append(arm)
    if not groups:
        return element("p", f"All {len(arms):,} arms are ok: none diverged, failed or was stopped.")
    ordered = sorted(groups.values(), key=_order)
    counts = Counter(arm["status"] for arm in arms)
    said = ", ".join(f"{counts[status]:,} {status}" for status in STATUSES if counts[status])
    shown = ordered[:_MOST]
    rest = sum(map(len, ordered[_MOST:]))
    names = cell_labels([group[0] for group in ordered])
    rows = [
        [
            element("th", names[group[0]["cell"]], scope="row"),
            cell(language_word(group[0]["language"])),
            number(group[0]["batch_size"], sort=group[0]["batch_size"]),
            cell(", ".join(str(arm["seed"]) for arm in group)),
            cell(group[0]["status"], class_=f"status {group[0]['status']}"),
            cell(group[0]["error"], class_="error"),
        ]
        for group in shown
    ]
    head = ["loss", "language", "batch size", "seeds", "status", "error"]
    return element(
        "div",
        element("p", f"Of {several(len(arms), 'arm')}: {said}. Failed arms are tried again by the "
                "next run; pruned ones were stopped by a search."),
        table("Arms that are not ok", head, rows, sortable=True),
        element("p", f"{rest:,} more arms are not shown.") if rest else None,
    )  # fmt: skip


def _order(group: Sequence[Arm]) -> tuple[int, str, str, int]:
    first = group[0]
    badness = ("failed", "diverged", "pruned").index(first["status"])
    return badness, first["language"], first["label"], first["batch_size"]


def never_predicted(scores: Sequence[Score]) -> Html:
    """Cells that never predict some label, by corpus and language, the worst first.

    Args:
        scores: rows of `results.scores.SCORES`.
    """
    cells: dict[tuple[str, str], dict[str, dict[str, Score]]] = {}
    for score in scores:
        if score["chosen_by"] == "own":
            of_pair = cells.setdefault((score["language"], score["corpus"]), {})
            of_pair.setdefault(score["cell"], {})[score["threshold"]] = score
    return element("div", [_never(*pair, found) for pair, found in sorted(cells.items())])


def _never(language: str, corpus: str, cells: Mapping[str, Mapping[str, Score]]) -> Html:
    firsts = {key: next(filter(is_first, found.values())) for key, found in cells.items()}
    names = cell_labels(list(firsts.values()))
    worst = sorted(
        (key for key, first in firsts.items() if first["never_predicted"]),
        key=lambda key: (-len(firsts[key]["never_predicted"]), names[key]),
    )
    where = f"{language_word(language)} ({corpus})"
    if not worst:
        return element("p", f"{where}: every loss predicts every label that has gold texts.")
    rows = []
    for key in worst[:_MOST]:
        first, tuned = firsts[key], cells[key].get("tuned")
        labels = first["never_predicted"]
        rows.append(
            [
                element("th", names[key], scope="row"),
                number(first["batch_size"], sort=first["batch_size"]),
                number(f"{len(labels)} of {first['labels']}", sort=len(labels)),
                cell(", ".join(labels)),
                cell(_tuned(tuned)),
            ]
        )
    head = ["loss", "batch size", "labels", "that some seed never predicts", "with tuned threshold"]
    return table(f"Labels never predicted: {where}", head, rows, sortable=True)


def _tuned(score: Score | None) -> str:
    """The labels that a tuned threshold does not bring back."""
    if score is None:
        return "no dev logits recorded"
    labels = score["never_predicted"]
    return ", ".join(labels) if labels else "none"
