"""The losses that exist, found by reading their files without running them.

A loss is a function decorated with `@soft_metric` or `@loss` in a file of `model/losses/` or in a
user's own file. Planning, tables and queries need names, labels and source hashes only; they read
the syntax tree, so they load no torch and run nobody's code.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from model.errors import LossError
from model.metrics import METRICS
from model.parameters import Value as Value
from model.parameters import Values, with_values, written_defaults

BUILT_IN = Path(__file__).parent / "losses"
"""Every file here is a loss that exists."""

STRINGS: dict[str | None, type] = {"label": str, "approximates": str, "source": str}
DECORATORS = {"soft_metric": STRINGS, "loss": STRINGS | {"ranks": bool}}
"""Decorators, each with its arguments and their types."""

DEFAULT_OWN_METRIC = "acc"
"""Metric by which an arm chooses its epoch when its loss approximates none (BCE, MSE)."""


@dataclass(frozen=True)
class LossSource:
    """A loss as its file declares it.

    Attributes:
        name: the function's name, used in experiments.
        label: name in tables.
        approximates: hard metric that the function equals on 0/1 outputs, or None.
        source: equation or publication.
        formula: first line of the docstring.
        file: name of the file.
        text: the file, whole.
        ranks: whether it only ranks the labels of a text, so that no threshold is natural to it.
        defaults: its parameters with their defaults.
        built_in: whether the file is softsweep's own.
    """

    name: str
    label: str
    approximates: str | None
    source: str
    formula: str
    file: str
    text: str
    ranks: bool = False
    defaults: Values = ()
    built_in: bool = False

    @property
    def sha256(self) -> str:
        """Hash of the file; part of the arm key."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def own_metric(self) -> str:
        """Hard metric by which this loss's arms choose their epoch."""
        return self.approximates or DEFAULT_OWN_METRIC

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Defaults of its parameters by name."""
        return dict(self.defaults)


def checked_parameters(loss: LossSource, given: Mapping[str, Value]) -> dict[str, Value]:
    """All parameters of a loss: those given, and the defaults of the others.

    Raises:
        LossError: the loss has no parameter of a name, or a value is of another type.
    """
    return dict(with_values(loss.name, loss.defaults, given))


def parse_losses(text: str, file: str) -> list[LossSource]:
    """Losses declared in the text of one file, in order.

    Raises:
        LossError: the text is not Python, or a decorator's arguments or a parameter's default are
            not literals.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise LossError(f"{file}, line {error.lineno}: not valid Python ({error.msg})") from error
    return [
        _declared(function, decorator, text, file)
        for function, decorator in _decorated_functions(tree)
    ]


def _decorated_functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                named = decorator.func if isinstance(decorator, ast.Call) else decorator
                if _last_name(named) in DECORATORS:
                    yield node, decorator


def _last_name(expression: ast.expr) -> str:
    """`soft_metric` of both `soft_metric(...)` and `model.soft_metric(...)`."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _declared(function: ast.FunctionDef, decorator: ast.expr, text: str, file: str) -> LossSource:
    where = f"{file}, line {decorator.lineno}: {function.name}"
    if not isinstance(decorator, ast.Call):
        name = _last_name(decorator)
        raise LossError(f"{where}: write @{name}(label=...), with parentheses")
    given = _arguments(decorator, where)
    docstring = ast.get_docstring(function) or ""
    return LossSource(
        name=function.name,
        label=given.get("label") or function.name,
        approximates=given.get("approximates"),
        source=given.get("source", ""),
        formula=docstring.split("\n", 1)[0],
        file=file,
        text=text,
        ranks=given.get("ranks", False),
        defaults=written_defaults(function, file),
    )


def _arguments(call: ast.Call, where: str) -> dict[str | None, Any]:
    """What a decorator is given, checked."""
    if call.args:
        raise LossError(f"{where}: give the decorator's arguments by keyword (label=...)")
    types = DECORATORS[_last_name(call.func)]
    given: dict[str | None, Any] = {}
    for keyword in call.keywords:
        if keyword.arg not in types:
            raise LossError(
                f"{where}: unknown argument {keyword.arg}; expected {', '.join(map(str, types))}"
            )
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if not isinstance(value, types[keyword.arg]):
            expected = "True or False" if types[keyword.arg] is bool else "a literal string"
            raise LossError(f"{where}: {keyword.arg} must be {expected}")
        given[keyword.arg] = value
    if given.get("approximates", DEFAULT_OWN_METRIC) not in METRICS:
        raise LossError(
            f"{where}: approximates unknown metric {given['approximates']!r}; "
            f"known: {', '.join(METRICS)}"
        )
    return given


def read_losses(path: Path) -> list[LossSource]:
    """Losses declared in a user's file.

    Raises:
        LossError: the file is missing, not UTF-8 text, not Python, or declares no loss.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LossError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise LossError(f"{path}: not UTF-8 text (byte {error.start})") from error
    losses = parse_losses(text, path.name)
    if not losses:
        raise LossError(f"{path}: no function decorated with @soft_metric or @loss")
    return losses


@cache
def built_in_losses() -> tuple[LossSource, ...]:
    """Every loss of `model/losses/`, by file name."""
    files = sorted(BUILT_IN.glob("[a-z]*.py"))
    return tuple(
        replace(source, built_in=True)
        for file in files
        for source in parse_losses(file.read_text(encoding="utf-8"), file.name)
    )


def catalogue(user_files: Iterable[Path] = ()) -> dict[str, LossSource]:
    """All losses by name: the built-in ones, then those of the user's files.

    Raises:
        LossError: a file is unreadable, or two losses share a name.
    """
    sources = list(built_in_losses())
    for path in user_files:
        sources.extend(read_losses(path))
    by_name: dict[str, LossSource] = {}
    by_label: dict[str, LossSource] = {}
    for source in sources:
        for same in (by_name.get(source.name), by_label.get(source.label)):
            if same:
                raise LossError(
                    f"{source.file}: {source.name}, labelled {source.label}, is already declared "
                    f"in {same.file} as {same.name}, labelled {same.label}"
                )
        by_name[source.name] = by_label[source.label] = source
    return by_name
