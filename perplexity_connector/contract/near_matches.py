"""Sentences about a name that is not known. The wrong name is not repeated: it may be a key."""

from collections.abc import Iterable

# A longer one is not a name.
_LONGEST = 100


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """Return a sentence with the known name that is nearest, a space before it, or empty text.

    Upper and lower case are the same.
    """
    import difflib  # noqa: PLC0415 - few runs have a wrong name

    names = {name.casefold(): name for name in known}
    wanted = wanted.strip()[:_LONGEST].casefold()
    near = difflib.get_close_matches(wanted, names, n=1)
    return f" Did you mean {names[near[0]]}?" if near else ""


def unknown_name(kind: str, wanted: str, known: Iterable[str]) -> str:
    """Return the sentences for an unknown name of a kind: the nearest one, and all that are known."""
    names = sorted(known)
    available = ", ".join(names) or "none"
    return f"Unknown {kind}.{did_you_mean(wanted, names)} Available: {available}."
