"""The conformance suite on declared losses, as a table."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from model.catalogue import LossSource
from results.render import Cell, Table

if TYPE_CHECKING:
    from model.conformance import Finding

Findings = Mapping[str, "list[Finding]"]
"""What every check finds, by name of the loss."""


def check_losses(losses: Iterable[LossSource]) -> Findings:
    """Run the suite on each loss; one thread, as trials have: two wait for each other.

    Raises:
        LossError: a file fails to run.
    """
    import torch

    from model.conformance import examine
    from model.surrogates import load_loss

    torch.set_num_threads(1)
    loaded = [load_loss(declared) for declared in losses]
    return {loss.name: examine(loss) for loss in loaded}


def all_pass(findings: Findings) -> bool:
    """Whether every loss passes every check."""
    return all(finding.passed for found in findings.values() for finding in found)


def conformance_table(findings: Findings) -> Table:
    """Losses by checks, these numbered to fit a terminal; below, the failures and what is asked."""
    from model.conformance import CHECKS

    rows: list[tuple[Cell, ...]] = [
        (loss, *(finding.said if finding.passed else "no" for finding in found))
        for loss, found in findings.items()
    ]
    notes = [
        *(note for loss, found in findings.items() for note in _failures(loss, found)),
        *(
            f"{number} {_words(name)}: {(check.__doc__ or '').splitlines()[0]}"
            for number, (name, check) in enumerate(CHECKS.items(), start=1)
        ),
    ]
    columns = ("loss", *(str(number) for number in range(1, len(CHECKS) + 1)))
    return Table("conformance", "Conformance of losses", columns, tuple(rows), tuple(notes))


def _words(check: str) -> str:
    return check.replace("_", " ")


def _failures(loss: str, found: "list[Finding]") -> list[str]:
    """A sentence for each way in which a loss fails, with all checks that met it."""
    met: dict[str, list[str]] = {}
    for finding in found:
        if not finding.passed:
            met.setdefault(finding.said, []).append(_words(finding.check))
    return [f"{loss} {said} ({', '.join(checks)})" for said, checks in met.items()]


def findings_table(findings: Findings) -> Table:
    """For programs: a row for each loss and check."""
    rows: list[tuple[Cell, ...]] = [
        (loss, finding.check, finding.passed, finding.said)
        for loss, found in findings.items()
        for finding in found
    ]
    columns = ("loss", "check", "passed", "said")
    return Table("conformance", "Conformance of losses", columns, tuple(rows))
