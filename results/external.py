"""Another system's predictions, recorded as an arm: in every table and comparison like our own.

An imported arm has one epoch, which every rule chose. Its probabilities are kept as logits, so that
thresholds are tuned on its dev predictions as on ours.
"""

import hashlib
import json
import platform
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from model.metrics import METRICS
from results.errors import RecordError
from results.locks import locked
from results.outputs import Logits, Rows, place_ids, read_ids, read_logits
from results.records import predictions_table, record_trial
from results.run import Run, labels_of
from results.schemas import EXTERNAL

_RULES = [f"{name}{half}" for name in ("own", *METRICS) for half in ("", "/a", "/b")]
"""All rules there are, whether or not the corpus has a test split (which may arrive later)."""

_NAME = re.compile(r"\w[\w .+-]{0,99}")


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        arm: the arm's key.
        corpus: whose texts were predicted.
        language: its language.
        texts: how many texts of each split are recorded now.
        changed: false where the very same was there already.
    """

    arm: str
    corpus: str
    language: str
    texts: Mapping[str, int]
    changed: bool


def import_predictions(
    run: Path,
    rows: Rows,
    name: str,
    *,
    seed: int = 0,
    label: str = "",
    split: str | None = None,
    language: str | None = None,
    logits: bool = False,
    replace: bool = False,
) -> Imported:
    """Record another system's predictions as an arm.

    Predictions of another split that were imported under this name and seed stay beside the new
    ones; those of the same split must be equal, unless all are replaced.

    Args:
        run: the run folder.
        rows: a table with a column `id` and one for each label, by its name.
        name: of the system; stands where others have their loss.
        seed: of the system's run.
        label: of the system in tables; its name by default.
        split: test or dev; by default what the ids are of.
        language: by default what the ids are of.
        logits: whether values are logits rather than probabilities.
        replace: whether to forget what was imported under this name and seed.

    Raises:
        RecordError: the table does not fit the run's texts, a value is out of range, the name is
            taken, or other predictions are recorded under it.
    """
    opened = Run(run)
    _check_name(opened, name, label, seed)
    ids = read_ids(rows)
    pair, place = place_ids(opened, rows.path, ids, split, language)
    facts = opened.facts[pair]
    values = read_logits(rows, facts["label_names"], logits)
    found = {of_split: values[order] for of_split, order in place.items()}
    key = _key(name, facts, seed)
    with locked(run):  # what another import records meanwhile would be left out
        opened = Run(run)
        before = {} if replace else _recorded(opened, key)
        for of_split in found.keys() & before.keys():
            if not np.array_equal(found[of_split], before[of_split]):
                raise RecordError(
                    f"{rows.path}: other {of_split} predictions of {name}, seed {seed}, were "
                    "imported before; take these instead of all of them with --replace, or give "
                    "another --name or --seed"
                )
        after = before | found
        changed = after.keys() != before.keys()
        if changed:
            settings = _settings(opened, key) if before else {EXTERNAL: True}
            settings |= {f"{of}.file": rows.path.name for of in found}
            settings |= {f"{of}.sha256": _sha256(rows.path) for of in found}
            row = _row(facts, key, name, label or name, seed, settings)
            blocks = [(key, of, 1, _RULES, array) for of, array in sorted(after.items())]
            part = f"{EXTERNAL}-{key}-{secrets.token_hex(4)}"
            record_trial(run, part, [row], [], predictions_table(blocks))
    return Imported(key, *pair, {of: len(after[of]) for of in sorted(after)}, changed)


def _check_name(run: Run, name: str, label: str, seed: int) -> None:
    """See that a name and label can stand where others have their loss, and mean no other here."""
    if not _NAME.fullmatch(name):
        raise RecordError(
            f"--name {name!r}: expected letters, digits, blanks and . + - _, beginning with a "
            "letter or digit, at most 100 of them"
        )
    if not 0 <= seed < 2**63:
        raise RecordError(f"--seed {seed}: expected a number from 0 to {2**63 - 1}")
    arms = run.arms_table
    mine = pc.and_(pc.equal(arms["loss"], name), pc.equal(arms["device"], EXTERNAL))
    others = arms.filter(pc.invert(mine))
    taken = {called.casefold() for of in ("loss", "label") for called in others[of].to_pylist()}
    for option, given in (("--name", name), ("--label", label)):
        if given.casefold() in taken:
            raise RecordError(
                f"{option} {given}: is a loss or system of {run.path}; expected another name"
            )


def _recorded(run: Run, key: str) -> dict[str, Logits]:
    """What is recorded of an imported arm, by split."""

    def read() -> dict[str, Logits]:
        found: dict[str, Logits] = {}
        for group in run.prediction_groups(("arm", "split", "example", "logits", "part")):
            of_arm = group.filter(pc.equal(group["arm"], key))
            for split in of_arm["split"].unique().to_pylist():
                rows = of_arm.filter(pc.equal(of_arm["split"], split)).sort_by("example")
                found[split] = labels_of(rows["logits"])
        return found

    return run.passing_damage(read) if key in run.arms_table["arm"].to_pylist() else {}


def _settings(run: Run, key: str) -> dict[str, Any]:
    """The recorded settings of an arm."""
    row = run.arms_table.filter(pc.equal(run.arms_table["arm"], key))
    settings: dict[str, Any] = json.loads(row["settings"][0].as_py())
    return settings


def _row(
    facts: Mapping[str, Any],
    key: str,
    name: str,
    label: str,
    seed: int,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The row of `arms`; what only training has is 0."""
    of = {"corpus": facts["corpus"], "lang": facts["language"], EXTERNAL: name, "seed": seed}
    hashes = {what: value for what, value in settings.items() if what != EXTERNAL}
    return {
        "arm": key,
        "cell": _key(name, facts),
        "corpus": facts["corpus"],
        "language": facts["language"],
        "loss": name,
        "label": label,
        "own_metric": "acc",
        "batch_size": 0,
        "seed": seed,
        "status": "ok",
        "error": "",
        "epochs": 1,
        "seconds": 0.0,
        "device": EXTERNAL,
        "threads": 0,
        "width": 0,
        "host": platform.node(),
        "features": facts["features"],
        "loss_sha256": "",
        "versions": json.dumps({"softsweep": version("softsweep")}),
        "settings": json.dumps(settings, sort_keys=True),
        "signature": "|".join(f"{what}:{value}" for what, value in (of | hashes).items()),
        "finished": datetime.now(UTC),
    }


def _key(name: str, facts: Mapping[str, Any], seed: int | None = None) -> str:
    """The key of an imported arm; without a seed, of its cell."""
    content = [EXTERNAL, name, *(facts[what] for what in ("corpus", "language", "features")), seed]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
