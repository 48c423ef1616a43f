"""HTML out of Python values: whatever is not markup already is escaped.

Names of losses and labels, errors and settings come from users, so nothing reaches a page but
through here.
"""

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

_VOID = ("circle", "line", "meta", "path")
"""Elements without content."""

_TALL = 20
"""Rows from which on a table scrolls within its region, under its headings."""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content = Html | str | int | float | None | Iterable["Content"]
"""What stands within an element; of None nothing does."""


def element(name: str, *content: Content, **attributes: str | float | bool | None) -> Html:
    """An element: `element("p", "a < b", class_="note")` is `<p class="note">a &lt; b</p>`.

    Args:
        name: of the element.
        content: what stands in it, in order; text is escaped.
        attributes: `class_` stands for `class`, `data_pair` for `data-pair`; True is an attribute
            without a value, None and False are left out.
    """
    said = "".join(
        f" {_attribute(key)}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{said}/>" if name in _VOID else f"<{name}{said}>{join(content)}</{name}>")


def join(content: Content) -> Html:
    """Content as markup."""
    if content is None:
        return Html("")
    if isinstance(content, Html):
        return content
    if isinstance(content, str | int | float):
        return Html(html.escape(str(content)))
    return Html("".join(join(part) for part in content))


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def table(
    caption: str,
    head: Sequence[Content],
    rows: Iterable[Iterable[Html]],
    *,
    sortable: bool = False,
    class_: str = "",
) -> Html:
    """A table in a region that scrolls sideways where it is wider than the page.

    Args:
        caption: what it shows; the region's name as well.
        head: a heading for every column.
        rows: of cells, `th` or `td`.
        sortable: whether a click on a heading sorts it.
        class_: of the table.
    """
    body = [list(row) for row in rows]
    numeric = [any(_is_number(row[at]) for row in body) for at in range(len(head))]
    headings = [
        element("th", heading, scope="col", class_="n" if right else None)
        for heading, right in zip(head, numeric, strict=True)
    ]
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", headings)),
        element("tbody", [element("tr", row) for row in body]),
        class_=f"{class_} sortable".strip() if sortable else class_ or None,
    )
    tall = " tall" if len(body) > _TALL else ""
    return element(
        "div", whole, class_=f"wide{tall}", role="region", aria_label=caption, tabindex=0
    )


def cell(content: Content, *, sort: float | str | None = None, **attributes: Any) -> Html:
    """A cell of a table, and what it is sorted by where that is not its text."""
    return element("td", content, data_sort=sort, **attributes)


def number(content: Content, *, sort: float | None = None) -> Html:
    """A cell of a table that holds a number, aligned right."""
    return cell(content, sort="" if sort is None else f"{sort:.6g}", class_="n")


def _is_number(cell: Html) -> bool:
    """Whether a cell of a table is aligned right."""
    return ' class="n' in cell[: cell.index(">")]


def missing(why: str) -> Html:
    """A cell that says why it has no number."""
    return cell(element("span", why, class_="why"), sort="")


def details(summary: str, *content: Content, **attributes: Any) -> Html:
    """Content that is shown when it is asked for."""
    return element("details", element("summary", summary), content, **attributes)


def data_block(name: str, value: Any) -> Html:
    """Data for the script, as JSON that cannot end its own element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    safe = Html(text.replace("<", r"\u003c").replace("\u2028", r"\u2028"))
    return element("script", safe, type="application/json", id=name)
