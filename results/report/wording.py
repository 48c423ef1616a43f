"""How numbers and languages are written on the page."""

from results import words
from results.layout import LANGUAGES


def language_word(language: str) -> str:
    """A language by its name, or its code where that is all there is."""
    return LANGUAGES.get(language, language)


def points(value: float, digits: int = 2) -> str:
    """A value in [0, 1] in points: 54.85."""
    return f"{100 * value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    """A difference in points: +4.10, −0.25."""
    return words.points(value, signed=True, digits=digits)


def interval(low: float | None, high: float | None, sign: bool = False) -> str:
    """A 95% interval in points, or nothing where there is none."""
    if low is None or high is None:
        return ""
    write = signed if sign else points
    return f"{write(low)} to {write(high)}"


def p_value(value: float | None) -> str:
    """A p-value: 0.013, or < 0.001."""
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def several(number: int, one: str, more: str = "") -> str:
    """A number with its noun: 1 seed, 5 seeds."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def seconds(value: float) -> str:
    """A time: 0.8 s, 47 s, 12.5 min, 3.2 h."""
    if value < 120:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"
