"""The one error of this room that is the user's to mend."""


class RecordError(ValueError):
    """A run folder, a part of it or a question about it is wrong.

    The message is one sentence: which file, what was found, and what to do. Command lines print it
    as it is, without a traceback.
    """


def one_line(error: BaseException) -> str:
    """An error's message with line breaks and runs of blanks made single blanks."""
    return " ".join(str(error).split())
