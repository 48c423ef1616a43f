"""LIWC dictionaries (``.dic``), LIWC2007 by name: proprietary, not part of any download here.

Format: a line ``%``, the categories as ``number<TAB>name``, a line ``%``, then
``word<TAB>number<TAB>number...``, ISO-8859-1 or UTF-8. A ``*`` at a word's end stands for any
ending. A word's own entry comes before those with ``*``, of which the longest counts, alone.
Two official entries (like, kind) have categories that depend on the words beside them, written with
brackets or a slash: those are left out, because a row of the features depends on its word alone,
and so are the unlisted numbers that go with them in one issue.
Columns: the file's categories in its order (LIWC2007: 64), each 0 or 1.
Licence: bought; cite Pennebaker, Booth and Francis, "Linguistic Inquiry and Word Count: LIWC2007",
2007. From: https://www.liwc.app
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from features.errors import InputError
from features.lexicons import Entry, lexicon
from features.lexicons.wordlists import either_encoding

_CONDITIONAL = re.compile("[(<>)/]")


def _parts(path: Path) -> tuple[dict[int, str], list[tuple[int, str]]]:
    lines = [(number, line.strip()) for number, line in either_encoding(path) if line.strip()]
    marks = [place for place, (_, line) in enumerate(lines) if line == "%"][:2]
    if len(marks) < 2 or marks[0] > 0 or marks[1] == 1:
        raise InputError(
            f"{path}, line 1: expected the categories between two lines of '%' at the top"
        )
    names: dict[int, str] = {}
    for line, text in lines[1 : marks[1]]:
        match text.split():
            case [category, name, *_] if category.isdecimal():
                if int(category) in names or name in names.values():
                    raise InputError(
                        f"{path}, line {line}: category {category} {name}; expected every number "
                        "and name once"
                    )
                names[int(category)] = name
            case _:
                raise InputError(
                    f"{path}, line {line}: '{text}'; expected the number and name of a category"
                )
    return names, lines[marks[1] + 1 :]


def liwc_columns(paths: Sequence[Path]) -> tuple[str, ...]:
    """Reads the names of the categories.

    Raises:
        InputError: When they are not between two lines of ``%``, or occur twice.
    """
    return tuple(_parts(paths[0])[0].values())


@lexicon(
    "liwc",
    columns=liwc_columns,
    files={
        "en": [
            ("LIWC2007_English131104.dic",),
            ("LIWC2007_English100131.dic",),
            ("LIWC2007_English080730.dic",),
            ("LIWC2007.dic",),
        ]
    },
    merge={"en": "max"},
    wildcards=True,
)
def read_liwc(paths: Sequence[Path], language: str) -> Iterator[Entry]:
    """Yields (word or prefix with ``*``, a flag for each category).

    Raises:
        InputError: When a row has no category or one that is not listed.
    """
    path = paths[0]
    names, rows = _parts(path)
    place = {category: index for index, category in enumerate(names)}
    for line, text in rows:
        word, *categories = (field.strip() for field in text.split("\t"))
        if not categories:
            raise InputError(
                f"{path}, line {line}: '{text}'; expected a word and category numbers, "
                "tab-separated"
            )
        conditional = any(_CONDITIONAL.search(category) for category in categories)
        flags = [0.0] * len(names)
        for category in categories:
            if category.isdecimal() and int(category) in place:
                flags[place[int(category)]] = 1.0
            elif not conditional:
                raise InputError(
                    f"{path}, line {line}: category '{category}'; expected a number listed "
                    "between the lines of '%'"
                )
        yield word, flags
