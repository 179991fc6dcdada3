"""One error type for everything a reader or caller can put right."""


class CourseError(ValueError):
    """Says what was given, what was expected, and what to do.

    The command line prints it without a traceback.
    """


def require(condition: object, message: str) -> None:
    """Raise :class:`CourseError` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise CourseError(message)
