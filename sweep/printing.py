"""Tables on standard output, lines on a console."""

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from results.render import Table


def print_tables(tables: "list[Table]", form: str) -> None:
    """Print tables, an empty line between two of them; several as JSON are one object.

    Args:
        tables: the tables; their names are distinct.
        form: one of `results.render.FORMS`.
    """
    from results.render import for_console, render

    if form == "table" and sys.stdout.isatty():
        from rich.console import Console

        for table in tables:
            Console().print(for_console(table), "")
    elif form == "json" and len(tables) != 1:
        rows = {table.name: json.loads(render(table, form))["rows"] for table in tables}
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(render(table, form) for table in tables))


def say(console: "Console", line: str) -> None:
    """Show a line as it is, whatever looks like markup in it; mirrors are called by their URIs."""
    from results.places import known_by

    console.print(known_by(line), highlight=False, soft_wrap=True, markup=False)
