"""One kind of error for everything a user can get wrong in files and settings."""


class InputError(ValueError):
    """A user's file or setting is not what it has to be.

    The message is one sentence: which file, which row (1-based line number) or key,
    what was found and what was expected.
    """
