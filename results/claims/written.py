"""Claims as they are written: YAML, a list of lines or of mappings.

Such as `- soft_macro_f1 > bce on macro_f1`, or `- {claim: focal = bce on acc, margin: 1}`.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from model.metrics import METRICS
from results.claims.measures import known_measures, measure
from results.claims.ordering import Order, Ordering
from results.errors import RecordError, one_line
from results.thresholds import THRESHOLDS

_KEYS = (
    "claim",
    "number",
    "words",
    "because",
    "margin",
    "threshold",
    "chosen_by",
    "at",
    "languages",
)

_FORM = re.compile(r"(.+?)\s+([<>=])\s+(.+)\s+on\s+(.+)")

_EXPECTED = 'expected "LOSS > LOSS on METRIC" (or <, or = with a margin)'


def read_claims(path: Path) -> list[Ordering]:
    """The claims of a file.

    Args:
        path: a YAML file.

    Raises:
        RecordError: it cannot be read, or an entry is wrong: the message says which and what is
            expected.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecordError(f"{path} cannot be read as claims: {one_line(error)}") from error
    if not isinstance(found, list) or not found:
        raise RecordError(f"{path}: expected a list of claims, such as - a > b on macro_f1")
    claims = []
    for place, entry in enumerate(found, start=1):
        try:
            claims.append(_ordering(entry, str(place)))
        except RecordError as error:
            raise RecordError(f"{path}, entry {place}: {error}") from None
    return claims


def _ordering(entry: object, number: str) -> Ordering:
    """An entry as a claim."""
    written: Mapping[str, Any] = {"claim": entry} if isinstance(entry, str) else _mapping(entry)
    if unknown := [str(key) for key in written if key not in _KEYS]:
        raise RecordError(f"unknown key {', '.join(unknown)}; the keys are {', '.join(_KEYS)}")
    if "claim" not in written:
        raise RecordError(f"no key claim; {_EXPECTED}")
    lines = _strings(written["claim"], "claim")
    orders = tuple(_order(line) for line in lines)
    margin = _margin(written.get("margin"), orders)
    thresholds = _strings(written.get("threshold", "tuned"), "threshold")
    _known(thresholds, THRESHOLDS, "threshold")
    chosen_by = written.get("chosen_by")
    if chosen_by is not None:
        _known((str(chosen_by),), ("own", *METRICS), "chosen_by")
    at = written.get("at", {})
    if not isinstance(at, dict):
        raise RecordError(f"at is {at!r}; expected settings, such as {{b: 16}}")
    return Ordering(
        str(written.get("number", number)),
        str(written.get("words", "; ".join(lines))),
        orders,
        str(written.get("because", "")),
        margin,
        thresholds,
        chosen_by,
        at,
        _strings(written.get("languages", []), "languages"),
    )


def _mapping(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise RecordError(f"found {entry!r}; {_EXPECTED}, or a mapping with the key claim")
    return entry


def _order(line: str) -> Order:
    """A line as a comparison."""
    found = _FORM.fullmatch(line.strip())
    if found is None:
        raise RecordError(f"found {line!r}; {_EXPECTED}")
    left, sign, right, on = found.groups()
    measures = []
    for name in _joined(on):
        known = measure(name)
        if known is None:
            raise RecordError(
                f"nothing is measured as {name}; a claim is on {', '.join(known_measures())}"
            )
        measures.append(known)
    sides = _joined(left), _joined(right)
    if twice := [side for side, number in Counter(sides[0] + sides[1]).items() if number > 1]:
        raise RecordError(f"{twice[0]} stands there more than once; expected different cells")
    return Order(sides[0], sign, sides[1], tuple(measures))


def _joined(text: str) -> tuple[str, ...]:
    """What is joined by "and"."""
    return tuple(part.strip() for part in re.split(r"\s+and\s+", text))


def _margin(value: object, orders: tuple[Order, ...]) -> float:
    """The margin as measures are recorded: points become shares.

    All measures of a claim with a margin must be counted alike.
    """
    equal = any(order.sign == "=" for order in orders)
    if value is None:
        if equal:
            raise RecordError("a claim with = needs a margin: how far apart is still equal?")
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise RecordError(f"margin is {value!r}; expected a number of points, 0 or more")
    if equal and not value:
        raise RecordError("margin is 0; expected more, for no interval lies within 0 of 0")
    units = {on.unit for order in orders for on in order.measures}
    if len(units) > 1:
        raise RecordError("a margin for measures that are counted differently; write them apart")
    return value * units.pop().step


def _strings(value: object, key: str) -> tuple[str, ...]:
    """One string or several; numbers such as 0.5 are strings too."""
    found = value if isinstance(value, list) else [value]
    if wrong := [one for one in found if not isinstance(one, str | float)]:
        raise RecordError(f"{key} is {wrong[0]!r}; expected text, or a list of texts")
    if not found and key != "languages":
        raise RecordError(f"{key} is empty; expected text, or a list of texts")
    return tuple(str(one) for one in found)


def _known(names: tuple[str, ...], known: tuple[str, ...], key: str) -> None:
    if wrong := [name for name in names if name not in known]:
        raise RecordError(f"{key} is {wrong[0]!r}; there are {', '.join(known)}")
