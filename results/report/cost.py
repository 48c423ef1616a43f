"""What the run cost: seconds of an arm by loss and batch size, and where they were spent."""

from collections.abc import Mapping, Sequence
from typing import Any

from results.report.markup import Html, element, missing, number, table
from results.report.wording import language_word, seconds, several
from results.schemas import EXTERNAL

Arm = Mapping[str, Any]
"""A row of `results.schemas.ARMS`."""


def cost(arms: Sequence[Arm]) -> Html:
    """The time of all arms, those that a search tried and those that went wrong among them."""
    arms = [arm for arm in arms if arm["device"] != EXTERNAL]  # others' systems cost us nothing
    on_cpu = [arm for arm in arms if arm["device"] == "cpu"]
    on_gpu = [arm for arm in arms if arm["device"] != "cpu"]
    said = []
    if on_cpu:
        hours = sum(arm["seconds"] * arm["threads"] for arm in on_cpu) / 3600
        said.append(f"{several(len(on_cpu), 'arm')} on CPU cores took {hours:,.2f} core hours")
    if on_gpu:
        hours = sum(arm["seconds"] for arm in on_gpu) / 3600
        devices = " and ".join(sorted({arm["device"] for arm in on_gpu}))
        said.append(f"{several(len(on_gpu), 'arm')} on {devices} took {hours:,.2f} device hours")
    said.append(f"{several(sum(arm['epochs'] for arm in arms), 'epoch')} in all")
    pairs = sorted({(arm["language"], arm["corpus"]) for arm in arms})
    return element(
        "div",
        element("p", "; ".join(said), "."),
        element(
            "div",
            [
                _table(language, corpus, [a for a in arms if (a["language"], a["corpus"]) == pair])
                for pair in pairs
                for language, corpus in [pair]
            ],
            class_="side",
        ),
        element(
            "p",
            "Mean seconds of an arm that is ok, and of one of its epochs with the evaluation after "
            "it. Arms trained together in a stack share its time. Times of arms that ran beside "
            "others depend on what those did.",
            class_="notes",
        ),
    )


def _table(language: str, corpus: str, arms: Sequence[Arm]) -> Html:
    """Seconds by loss and batch size, for one corpus and language."""
    batches = sorted({arm["batch_size"] for arm in arms})
    by_loss: dict[str, dict[int, list[Arm]]] = {}
    for arm in arms:
        by_loss.setdefault(arm["label"], {}).setdefault(arm["batch_size"], []).append(arm)
    rows = [
        [
            element("th", loss, scope="row"),
            *(_time(of_loss.get(batch, ())) for batch in batches),
            number(sum(map(len, of_loss.values()))),
        ]
        for loss, of_loss in sorted(by_loss.items())
    ]
    title = f"Seconds of an arm: {language_word(language)} ({corpus})"
    return table(title, ["loss", *(f"b={b}" for b in batches), "arms"], rows, sortable=True)


def _time(trained: Sequence[Arm]) -> Html:
    """The mean time of those that are ok."""
    arms = [arm for arm in trained if arm["status"] == "ok"]
    if not arms:
        return missing("none ok" if trained else "not trained")
    mean = sum(arm["seconds"] for arm in arms) / len(arms)
    epochs = sum(arm["epochs"] for arm in arms) / len(arms)
    each = element("small", f"{seconds(mean / epochs)} an epoch") if epochs else None
    return number([seconds(mean), each], sort=mean)
