"""The losses that exist, found by reading their files without running them.

A loss is a function decorated with `@soft_metric` or `@loss` in a file of `model/losses/` or in a
user's own file. Planning, tables and queries need names, labels and source hashes only; they read
the syntax tree, so they load no torch and run nobody's code.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model.errors import LossError

BUILT_IN = Path(__file__).parent / "losses"
"""Every file here is a loss that exists."""

DECORATORS = ("soft_metric", "loss")
DEFAULT_OWN_METRIC = "acc"
"""Metric by which an arm chooses its epoch when its loss approximates none (BCE, MSE)."""


@dataclass(frozen=True)
class LossSource:
    """A loss as its file declares it.

    Attributes:
        name: the function's name, used in experiments.
        kind: `soft_metric` (a function of probabilities and targets, minimised with its sign
            changed) or `loss` (a function of logits and targets).
        label: name in tables.
        approximates: hard metric that the function equals on 0/1 outputs, or None.
        source: equation or publication.
        formula: first line of the docstring.
        file: name of the file.
        text: the file, whole.
    """

    name: str
    kind: str
    label: str
    approximates: str | None
    source: str
    formula: str
    file: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the file; part of the arm key."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def own_metric(self) -> str:
        """Hard metric by which this loss's arms choose their epoch."""
        return self.approximates or DEFAULT_OWN_METRIC


def parse_losses(text: str, file: str) -> list[LossSource]:
    """Losses declared in the text of one file, in order.

    Raises:
        LossError: the text is not Python, or a decorator's arguments are not literals.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise LossError(f"{file}, line {error.lineno}: not valid Python ({error.msg})") from error
    return [
        _declared(function, decorator, text, file)
        for function, decorator in _decorated_functions(tree)
    ]


def _decorated_functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, ast.Call]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and _last_name(decorator.func) in DECORATORS:
                    yield node, decorator


def _last_name(expression: ast.expr) -> str:
    """`soft_metric` of both `soft_metric(...)` and `model.soft_metric(...)`."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _declared(function: ast.FunctionDef, call: ast.Call, text: str, file: str) -> LossSource:
    where = f"{file}, line {call.lineno}: {function.name}"
    if call.args:
        raise LossError(f"{where}: give the decorator's arguments by keyword (label=...)")
    given: dict[str, str | None] = {}
    for keyword in call.keywords:
        try:
            value = ast.literal_eval(keyword.value)
        except ValueError as error:
            raise LossError(f"{where}: {keyword.arg} must be a literal string") from error
        given[str(keyword.arg)] = value
    if unknown := given.keys() - {"label", "approximates", "source"}:
        raise LossError(
            f"{where}: unknown argument {min(unknown)}; expected label, approximates, source"
        )
    docstring = ast.get_docstring(function) or ""
    return LossSource(
        name=function.name,
        kind=_last_name(call.func),
        label=given.get("label") or function.name,
        approximates=given.get("approximates"),
        source=given.get("source") or "",
        formula=docstring.split("\n", 1)[0],
        file=file,
        text=text,
    )


def read_losses(path: Path) -> list[LossSource]:
    """Losses declared in a user's file.

    Raises:
        LossError: the file is missing, not UTF-8 text, not Python, or declares no loss.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LossError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    losses = parse_losses(text, path.name)
    if not losses:
        raise LossError(f"{path}: no function decorated with @soft_metric or @loss")
    return losses


@cache
def built_in_losses() -> tuple[LossSource, ...]:
    """Every loss of `model/losses/`, by file name."""
    files = sorted(BUILT_IN.glob("[a-z]*.py"))
    return tuple(
        source
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
    for source in sources:
        if source.name in by_name:
            raise LossError(
                f"{source.file}: {source.name} is already declared in {by_name[source.name].file}"
            )
        by_name[source.name] = source
    return by_name
