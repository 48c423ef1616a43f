"""Text -> numbers, once: corpora, tokens, word vectors and lexicons in a content-addressed cache.

Nothing heavy is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from features.cache import build, find
    from features.entry import Features, open_features
    from features.errors import InputError
    from features.spec import FeatureSpec
    from features.text import tokenize

__all__ = ["FeatureSpec", "Features", "InputError", "build", "find", "open_features", "tokenize"]

_HOME = {
    "FeatureSpec": "features.spec",
    "Features": "features.entry",
    "InputError": "features.errors",
    "build": "features.cache",
    "find": "features.cache",
    "open_features": "features.entry",
    "tokenize": "features.text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
