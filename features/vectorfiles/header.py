"""The first line of word2vec's files."""


def sizes(fields: list[str]) -> tuple[int, int] | None:
    """Reads the header ``WORDS DIMENSION``; None where it is something else."""
    if len(fields) != 2 or not all(f.isascii() and f.isdigit() and len(f) < 19 for f in fields):
        return None
    return int(fields[0]), int(fields[1])
