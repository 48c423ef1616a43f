"""How a time is written for people."""


def duration(seconds: float) -> str:
    """Seconds as `m:ss` or `h:mm:ss`."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
