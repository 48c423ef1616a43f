"""The parameters of a loss: its keyword arguments with defaults, other than what training gives.

They are read from a syntax tree where a loss may not be run, and from its signature where it is.
No torch here: planning reads parameters only.
"""

import ast
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from model.errors import LossError

Value = bool | int | float | str
"""What a parameter may be."""

Values = tuple[tuple[str, Value], ...]
"""Parameters and their values, hashable, in the order in which the function has them."""

CONTEXT = ("prior", "progress")
"""What a loss may ask for by keyword: train label frequencies `[C]`, and 0..1 through training."""

LITERAL = "a literal number (or quotient of two), string, True or False"


def written_defaults(function: ast.FunctionDef, file: str) -> Values:
    """Parameters of a function that is not run.

    Raises:
        LossError: an argument has no default, or one that is not a literal.
    """
    found: list[tuple[str, Value]] = []
    for argument, default in _after_the_first_two(function.args):
        where = f"{file}, line {argument.lineno}: {function.name}"
        if argument.arg in CONTEXT:
            continue
        if default is None:
            raise LossError(
                f"{where}: {argument.arg} needs a default: a loss is given two tensors and, where "
                f"it asks for them, {' and '.join(CONTEXT)}"
            )
        found.append((argument.arg, _literal(default, f"{where}: default of {argument.arg}")))
    return tuple(found)


def _after_the_first_two(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Arguments and their defaults, without logits (or outputs) and targets."""
    positional = [*arguments.posonlyargs, *arguments.args]
    required: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    yield from list(zip(positional, [*required, *arguments.defaults], strict=True))[2:]
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _literal(expression: ast.expr, where: str) -> Value:
    try:
        return _value(expression)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise LossError(f"{where} must be {LITERAL}") from error


def _value(expression: ast.expr) -> Value:
    """Value of a literal, or of a quotient of two, such as 4 / 3."""
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Div):
        value = ast.literal_eval(expression.left) / ast.literal_eval(expression.right)
    else:
        value = ast.literal_eval(expression)
    if not isinstance(value, Value):
        raise TypeError
    return value


def signature_defaults(function: Callable[..., Any]) -> Values:
    """Parameters of a function.

    Raises:
        LossError: a default is no number, string or bool.
    """
    arguments = list(inspect.signature(function).parameters.values())[2:]
    found: list[tuple[str, Value]] = []
    for argument in arguments:
        if argument.default is argument.empty or argument.name in CONTEXT:
            continue
        if not isinstance(argument.default, Value):
            raise LossError(f"{function.__name__}: default of {argument.name} must be {LITERAL}")
        found.append((argument.name, argument.default))
    return tuple(found)


def with_values(loss: str, values: Values, given: Mapping[str, Value]) -> Values:
    """Parameters with other values where some are given.

    Args:
        loss: its name, for messages.
        values: of all parameters; what is given takes their types.
        given: by name; an int where a number with a point stands is taken as one.

    Raises:
        LossError: no parameter has a name that is given, or a value is of another type.
    """
    known = dict(values)
    for name in given:
        if name not in known:
            they = f"its parameters: {', '.join(known)}" if known else "it has none"
            raise LossError(f"{loss} has no parameter {name!r}; {they}")
    return tuple(
        (name, _of_type(given[name], old, f"{loss}: {name}") if name in given else old)
        for name, old in values
    )


def _of_type(value: Value, old: Value, what: str) -> Value:
    kind = type(old)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        expected = {bool: "true or false", int: "a whole number", float: "a finite number"}
        raise LossError(f"{what} must be {expected.get(kind, 'a string')}, not {value!r}")
    return value
