"""The document of measured claims: a section per benchmark, each replaced on its own.

A section says on what machine, when and by which command it was measured, so that sections made at
different times can stand side by side.
"""

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HEAD = """\
# Measured

Made by `python -m benchmarks --write FILE`; a benchmark's name before `--write` makes its section
again and leaves the others. `ratio` compares what was measured in the same run: how many times
cheaper softsweep is than the peer, unless a table's title says otherwise. Where `peer` is empty
there is a limit to keep, in the title.
"""

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
"""Of a processor's features, those that change how fast a matrix product is."""

PACKAGES = {"torch": "torch", "NumPy": "numpy", "Ray": "ray"}


def machine() -> str:
    """What this was measured on and when, in a line; no names of hosts, no paths."""
    processor, flags = _processor()
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{processor} ({' '.join(flag for flag in FLAGS if flag in flags)})"
        if flags
        else processor,
        f"{os.cpu_count()} cores",
        f"{gib:.0f} GiB",
        f"Python {platform.python_version()}",
        *(f"{name} {version(package)}" for name, package in PACKAGES.items()),
        datetime.now(UTC).date().isoformat(),
    ]
    return ", ".join(parts)


def _processor() -> tuple[str, set[str]]:
    """Model and features of the processor, as far as the system tells."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return platform.processor() or platform.machine(), set()
    lines = (line.partition(":") for line in file.read_text(encoding="utf-8").splitlines())
    facts = {key.strip(): value.strip() for key, _, value in lines}
    return facts.get("model name", platform.machine()), set(facts.get("flags", "").split())


def section(name: str, command: str, machine: str, table: str) -> str:
    """The section of one benchmark.

    Args:
        name: of the benchmark; the section's heading.
        command: that measured it.
        machine: on what and when.
        table: in Markdown.
    """
    return f"## {name}\n\n`{command}`: {machine}.\n\n{table.strip()}\n"


def with_section(document: str, name: str, text: str, order: Sequence[str]) -> str:
    """The document with one section new or replaced; all others stay as they are.

    Args:
        document: as it was; may be empty.
        name: the section's heading.
        text: the section, heading included.
        order: of the sections; one of another name stays, behind these.
    """
    _, *sections = re.split(r"^(?=## )", document, flags=re.MULTILINE)
    found = {each.partition("\n")[0].removeprefix("## ").strip(): each for each in sections}
    found[name] = text
    ordered = sorted(found, key=lambda key: order.index(key) if key in order else len(order))
    return "\n".join([HEAD, *(found[key].strip() + "\n" for key in ordered)])
