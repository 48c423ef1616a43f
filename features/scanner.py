"""Cuts a chunk of lower-case text without blanks into tokens, after TweetMotif and its descendants.

The rules are one alternation, tried in order where the last token ended: every character belongs
to exactly one token. No rule looks behind, and each looks ahead at its end only: a token that is
cut again stays what it is. They are written from descriptions of TweetMotif (O'Connor, Krieger and
Ahn 2010) and of the tokeniser that ARK made of it (Owoputi et al. 2013).

Quantifiers are possessive or bounded: absurdly long words cost no more than their length.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

_JOINERS = "-/&+*$%~"  # what may hold a word together: semi-final, and/or, AT&T, ke$ha
_EYES = r"\^=~;*@°•◕◉⊙ಠಥ¬≧╥-"
_LETTER_EYES = "tuxnqoe0"


def _classes() -> tuple[str, str, str]:
    """Finds what ends a word: brackets and quotes, other punctuation, symbols, by Unicode category.

    Returns:
        Each as the body of a class of characters in a regular expression.
    """
    brackets, punctuation, symbols = "<>", "", ""
    for character in map(chr, range(0x10000)):
        category = unicodedata.category(character)
        if character in "<>'@#_" or character in _JOINERS:
            continue
        if category in ("Ps", "Pe", "Pi", "Pf"):
            brackets += character
        elif category == "Po":
            punctuation += character
        elif category[0] in "PS":
            symbols += character
    return re.escape(brackets), re.escape(punctuation), re.escape(symbols)


def _emoticon(use: str) -> str:
    """Writes the rule of emoticons.

    Args:
        use: Tells one use of the rule from another: the names of its groups end so.
    """
    eyes, letters, inner, dotted = (f"{group}_{use}" for group in ("eyes", "let", "inner", "dot"))
    round_mouth = r"[)\](\[{}|\\*]{1,99}+|/(?!/)|[<>](?![\w<>])"
    west = (
        rf"[>}}]?[:;]'?[-o^~]?(?:{round_mouth}|[dpobsxc](?!\w))"  # :) ;-( :'( >:( :P
        rf"|=[-o^~]?(?:{round_mouth}|[dpo](?!\w))"
        r"|:3(?![\w:.,])|[8x]-[)(dp](?!\w)"
        r"|[(\[]['o-]?[:;=](?![\w)(])"  # the other way round
    )

    def face(eyes: str) -> str:
        return (
            rf"(?P<{eyes}>[{_EYES}])[_.o‿ω▽□︵-]{{1,8}}(?P={eyes})"  # -.- *o* ಠ_ಠ
            r"|\^[_.o-]{0,8}[\^~]|~_{1,8}\^|>[_./o-]{1,8}<|\._{1,8}\."
        )

    in_brackets = (
        rf"{face(inner)}|(?P<{letters}>[{_LETTER_EYES}])[_.]{{1,8}}(?P={letters})"  # (T_T)
        r"|o_{1,8}0|0_{1,8}o"
    )
    east = (
        rf"[\\ヽ~<]?\((?:{in_brackets});?\)[/ノ~>]?|{face(eyes)}"
        r"|¯\\_{1,8}\([ツシ]\)_{1,8}/¯|\(╯°□°\)╯|\\o[/\\]"
        rf"|(?P<{dotted}>[unoe])\.(?P={dotted})(?![\w.])"  # u.u; with _ they are words anyway
    )
    return f"{west}|{east}"


def _rules(abbreviations: tuple[str, ...]) -> dict[str, str]:
    """Lists the kinds of tokens in the order in which they are tried."""
    brackets, punctuation, symbols = _classes()
    joiners = re.escape(_JOINERS)
    letter = rf"[^\s'@#{brackets}{punctuation}{symbols}{joiners}]"
    # A trailing 's is a token of its own.
    more = rf"(?:(?:'(?!s(?!{letter}))|[{joiners}]++)(?!_){letter}++)*+"
    titles = "|".join(map(re.escape, abbreviations)) or "(?!)"
    address_end = r"[\w/=&#%~+-]"
    return {
        "link": rf"(?:https?://|www\.)\S*{address_end}",
        "mail": r"[\w.+-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}+",
        "domain": r"[a-z0-9][\w-]{0,62}+(?:\.[\w-]{1,63}+){0,8}?"
        r"\.(?:com|org|net|edu|gov|info|tv|ca|co\.uk)(?:\.[a-z]{2})?(?![\w-])"
        rf"(?:/\S*{address_end})?",
        "emoticon": _emoticon("whole"),
        "heart": r"</?3{1,99}+(?!\d|[.,]\d)",
        "arrow": r"<?[-=]{1,9}>++|<++[-=]{1,9}+",
        "mention": r"[@＠]\w++",
        "hashtag": rf"[#＃]{letter}++",
        "abbreviation": rf"(?:[^\W\d_]\.){{2,}}+(?:[^\W\d_](?!\w))?|(?:{titles})\.",
        "number": rf"[$€£¥₹+-]?\d++(?:[.,:/-]\d++)*+(?:{letter}++)?{more}[%+€$£°]*+",
        "word": rf"{letter}++{more}[%+]*+",
        "possessive": rf"'s(?!{letter})",
        "punctuation": rf"['{punctuation}](?:(?!{_emoticon('next')})['{punctuation}])*+",
        "notes": "[♪♫♬]++",
        "repeated": r"(?P<sign>\S)(?P=sign)*+",
    }


@cache
def scanner(abbreviations: tuple[str, ...]) -> Callable[[str], Iterator[re.Match[str]]]:
    """Makes what cuts a chunk; a match's ``lastgroup`` is the kind of its token.

    Args:
        abbreviations: Words that keep the full stop after them.
    """
    rules = _rules(abbreviations)
    return re.compile("|".join(f"(?P<{kind}>{rule})" for kind, rule in rules.items())).finditer
