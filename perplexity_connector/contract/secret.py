"""A text that shows itself only to whoever asks for it by name."""

__all__ = ["Secret"]

_MASK = "**********"


class Secret:
    """A secret text, masked in `repr`, `str` and pickle; `reveal()` gives the text itself."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep `text`; nothing but `reveal` shows it again."""
        self._text = text

    def reveal(self) -> str:
        """The secret text, for the one line that sends it."""
        return self._text

    def __repr__(self) -> str:
        """The mask, which tells neither the text nor its length."""
        return f"Secret('{_MASK}')"

    def __str__(self) -> str:
        """The mask."""
        return _MASK

    def __bool__(self) -> bool:
        """Whether there is any text at all."""
        return bool(self._text)

    def __copy__(self) -> "Secret":
        """Itself: a copy inside the process needs no second text."""
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        """Itself, so that copying a connection does not mask it."""
        return self

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        """What leaves the process is the mask: a pickle lands in queues, caches and crash reports."""
        return (Secret, (_MASK,))

    def __format__(self, spec: str) -> str:
        """The mask, whatever the format asks."""
        return format(_MASK, spec)
