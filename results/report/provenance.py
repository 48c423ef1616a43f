"""Where the numbers come from: versions, machines, features, texts, the experiment itself."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from results.layout import Score
from results.records import corpus_facts
from results.report.markup import Content, Html, details, element
from results.report.wording import several
from results.run import Run
from results.schemas import EXTERNAL

Arm = Mapping[str, Any]
"""A row of `results.schemas.ARMS`."""


def provenance(run: Run, arms: Sequence[Arm], scores: Sequence[Score], now: datetime) -> Html:
    """What a reader needs to make the numbers again. Hosts are counted, for names may be private.

    Args:
        run: the run.
        arms: its arms.
        scores: rows of `results.scores.SCORES`; none while the run goes on.
        now: when the page is written.
    """
    finished = [arm["finished"] for arm in arms]
    hosts = len({arm["host"] for arm in arms})
    facts: list[tuple[str, Content]] = [
        ("Page written", f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, softsweep {_softsweep()}"),
        ("Arms finished", f"{_time(min(finished))} to {_time(max(finished))}"),
        ("Versions", _lines(_versions(arms))),
        ("Trained on", _lines(_places(arms))),
        ("Machines", several(hosts, "host")),
        ("Features", _lines(_features(run))),
    ]
    if scores:
        texts = {
            (s["corpus"], s["language"], s["split"], s["protocol"], s["texts"]) for s in scores
        }
        facts += [
            ("Scored on", _lines(f"{c}, {lang}: {several(m, 'text')} of {split} ({protocol})"
                                 for c, lang, split, protocol, m in sorted(texts))),
            ("Resamples", f"{scores[0]['resamples']:,} of the texts, the same for all arms"),
            ("Signature of a score", element("code", scores[0]["signature"])),
        ]  # fmt: skip
    rows = [[element("dt", name), element("dd", said)] for name, said in facts]
    return element("div", element("dl", rows), _experiment(run))


def _lines(lines: Iterable[str]) -> Html:
    return element("ul", [element("li", line) for line in lines])


def _time(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _softsweep() -> str:
    return version("softsweep")


def _versions(arms: Sequence[Arm]) -> list[str]:
    """Distinct versions of what decides numbers, and how many arms were trained with each."""
    found = Counter(arm["versions"] for arm in arms)
    return [
        ", ".join(f"{name} {value}" for name, value in json.loads(text).items())
        + (f": {several(count, 'arm')}" if len(found) > 1 else "")
        for text, count in found.most_common()
    ]


def _places(arms: Sequence[Arm]) -> list[str]:
    """Distinct devices, threads and stack widths, and how many arms were trained so."""
    found = Counter((arm["device"], arm["threads"], arm["width"]) for arm in arms)
    return [
        f"{_place(device, threads, width)}: {several(count, 'arm')}"
        for (device, threads, width), count in found.most_common()
    ]


def _place(device: str, threads: int, width: int) -> str:
    if device == EXTERNAL:
        return "elsewhere, and imported"
    stack = "arms one by one" if width == 1 else f"stacks of {width} arms"
    return f"{device}, {several(threads, 'thread')}, {stack}"


def _features(run: Run) -> list[str]:
    """What each corpus and language was read into."""
    return [
        f"{facts['corpus']}, {facts['language']}: {several(len(facts['label_names']), 'label')}, "
        f"n = {facts['n']}, d + v = {facts['d']} + {facts['v']}, sha256 {facts['features']}"
        for facts in corpus_facts(run.path)
    ]


def _experiment(run: Run) -> Html:
    """The experiment with all its defaults, as the run folder keeps it."""
    try:
        text = (run.path / "experiment.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return element("p", "experiment.yaml is not in the run folder.", class_="why")
    return details(
        "The experiment with every default: experiment.yaml",
        element("pre", text, tabindex=0, aria_label="experiment.yaml"),
    )
