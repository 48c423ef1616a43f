"""How a loss is written: soft metrics and losses, each one decorated function.

A soft metric is a differentiable function of probabilities `o` and targets `y` that equals a hard
metric when every `o` is 0 or 1; training minimises it with its sign changed. Any other loss is a
function of logits and targets. Both see one arm, `[b, C]`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from model.catalogue import DEFAULT_OWN_METRIC, LossSource, catalogue
from model.errors import LossError
from model.parameters import CONTEXT, Value, Values, signature_defaults, with_values


@dataclass(frozen=True)
class Loss:
    """A loss ready to be minimised: a plain function of `(logits, targets)`, both `[b, C]`.

    Attributes:
        function: the decorated function itself.
        soft: whether `function` is a soft metric of `(o, y)`, in [0, 1], rather than a loss.
        wants: what it asks for of `CONTEXT`.
        ranks: whether it only ranks the labels of a text, so that no threshold is natural to it.
        values: of its parameters.
    """

    name: str
    label: str
    approximates: str | None
    source: str
    function: Callable[..., Tensor]
    soft: bool
    wants: tuple[str, ...]
    ranks: bool = False
    values: Values = ()

    @property
    def own_metric(self) -> str:
        """Hard metric by which this loss's arms choose their epoch."""
        return self.approximates or DEFAULT_OWN_METRIC

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Its parameters by name: their defaults, or what `with_parameters` gave."""
        return dict(self.values)

    def with_parameters(self, given: Mapping[str, Value]) -> "Loss":
        """The same loss with other parameters; two of one function and equal ones are equal.

        Raises:
            LossError: it has no parameter of a name, or a value is of another type.
        """
        return replace(self, values=with_values(self.name, self.values, given))

    def __call__(
        self,
        logits: Tensor,
        targets: Tensor,
        *,
        prior: Tensor | None = None,
        progress: float | None = None,
    ) -> Tensor:
        """Scalar to minimise.

        Args:
            logits: network outputs before the sigmoid, `[b, C]`.
            targets: 0/1 targets of the same shape, any dtype.
            prior: train label frequencies, `[C]`, for the losses that ask for them.
            progress: 0..1 through training, for the losses that ask for it.

        Raises:
            LossError: the loss asks for `prior` or `progress` and it was not given, or it exits.
        """
        given = {"prior": prior, "progress": progress}
        context = {name: given[name] for name in self.wants}
        if missing := [name for name, value in context.items() if value is None]:
            raise LossError(f"{self.name} needs {missing[0]}=")
        y = targets.to(logits.dtype)
        try:
            if self.soft:
                return -self.function(torch.sigmoid(logits), y, **context, **self.parameters)
            return self.function(logits, y, **context, **self.parameters)
        except SystemExit as end:
            # Here only: elsewhere it means that this process is being ended, not that the arm is.
            raise LossError(f"{self.name} called exit({end.code})") from end


def _declare(
    function: Callable[..., Tensor],
    label: str,
    approximates: str | None,
    source: str,
    *,
    soft: bool,
    ranks: bool = False,
) -> Loss:
    arguments = inspect.signature(function).parameters
    return Loss(
        name=function.__name__,
        label=label or function.__name__,
        approximates=approximates,
        source=source,
        function=function,
        soft=soft,
        wants=tuple(name for name in CONTEXT if name in arguments),
        ranks=ranks,
        values=signature_defaults(function),
    )


def soft_metric(
    *, label: str = "", approximates: str | None = None, source: str = ""
) -> Callable[[Callable[..., Tensor]], Loss]:
    """Make a function of probabilities and targets, `(o, y) -> value to maximise`, a loss.

    Args:
        label: name in tables.
        approximates: hard metric that it must equal on 0/1 outputs (`acc`, `micro_f1`, ...).
        source: equation or publication.
    """
    return lambda function: _declare(function, label, approximates, source, soft=True)


def loss(
    *, label: str = "", approximates: str | None = None, source: str = "", ranks: bool = False
) -> Callable[[Callable[..., Tensor]], Loss]:
    """Make a function of logits and targets, `(logits, y) -> value to minimise`, a loss.

    Keyword arguments with defaults are parameters, which an experiment can sweep.

    Args:
        label: name in tables.
        approximates: hard metric by which its arms choose their epoch.
        source: publication.
        ranks: whether it only ranks the labels of a text: its arms are scored by tuned thresholds.
    """
    return lambda function: _declare(function, label, approximates, source, soft=False, ranks=ranks)


NEGLIGIBLE = 1e-30
"""A denominator up to this is 0 to `ratio`: one over a smaller one overflows float32."""


def ratio(numerator: Tensor, denominator: Tensor, empty: float) -> Tensor:
    """Elementwise numerator / denominator; `empty`, with gradient 0, where the denominator is 0.

    The inner guard keeps the unused branch finite: the gradient of `where` multiplies it by 0, and
    0 times infinity would be NaN.
    """
    defined = denominator > NEGLIGIBLE
    guarded = torch.where(defined, denominator, torch.ones_like(denominator))
    return torch.where(defined, numerator / guarded, torch.full_like(guarded, empty))


def load_loss(declared: LossSource, parameters: Mapping[str, Value] | None = None) -> Loss:
    """Run the file of a declared loss and return the loss.

    Built-in and user files take the same way, from their text, so that what a worker runs is what
    the arm key hashed. A user's file is run anew each time: whatever it keeps does not pass from
    one trial to the next.

    Args:
        declared: what its file says of it.
        parameters: those that differ from their defaults.

    Raises:
        LossError: the file fails to run, or the loss has no such parameters.
    """
    found = _built_in(declared) if declared.built_in else _run(declared)
    return found.with_parameters(parameters or {})


@cache
def _built_in(declared: LossSource) -> Loss:
    return _run(declared)


def _run(declared: LossSource) -> Loss:
    module = ModuleType(f"softsweep_loss_{declared.sha256[:12]}")
    try:
        exec(compile(declared.text, declared.file, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise LossError(f"{declared.file}: {type(error).__name__}: {error}") from error
    found = getattr(module, declared.name)
    if not isinstance(found, Loss):
        raise LossError(
            f"{declared.file}: {declared.name} must be decorated by softsweep's own "
            "@soft_metric or @loss (from model import ...)"
        )
    return found


def get_loss(name: str, /, **parameters: Value) -> Loss:
    """A built-in loss as a plain `(logits, targets)` callable for any training loop.

    >>> import torch
    >>> soft_f1 = get_loss("soft_micro_f1")
    >>> float(soft_f1(torch.zeros(1, 2), torch.tensor([[1, 0]])))
    -0.5
    >>> get_loss("focal", gamma=1).parameters
    {'gamma': 1.0, 'alpha': 0.25}

    Raises:
        LossError: no loss has this name, or it has no such parameters.
    """
    known = catalogue()
    if name not in known:
        raise LossError(f"unknown loss {name!r}; known: {', '.join(sorted(known))}")
    return load_loss(known[name], parameters)
