"""What an experiment may say about how texts are cut into tokens."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class TextRules(BaseModel):
    """The choices that a tokeniser leaves open; the defaults are the paper's, as far as known.

    Corpus and training text of the vectors are cut by the same rules.

    Attributes:
        hashtags: ``keep`` leaves ``#GoodDay`` whole; ``body`` drops the sign; ``split`` also cuts
            the body where CamelCase or digits begin a new word (``good day``).
        elongation: ``keep`` leaves ``sooooo`` alone; ``shorten`` leaves three of any letter that
            stands three times or more in a row.
        emoji: ``names`` spells emoji out as their English CLDR short names, ``symbols`` keeps each
            as one token, ``both`` gives the symbol and then its name.
        skin_tones: ``drop`` takes skin tones off emoji first.
        mentions: ``mask`` turns every ``@handle`` into ``@user``.
        links: ``mask`` turns every address of the web into ``http://url``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hashtags: Literal["keep", "body", "split"] = "keep"
    elongation: Literal["keep", "shorten"] = "keep"
    emoji: Literal["names", "symbols", "both"] = "names"
    skin_tones: Literal["keep", "drop"] = "keep"
    mentions: Literal["keep", "mask"] = "keep"
    links: Literal["keep", "mask"] = "keep"
