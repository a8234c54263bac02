"""Check the arguments of a host's methods: a caller without types may give anything.

Each check raises `ConnectorError` (`invalid_input`) that names the argument and never its value.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import TypeGuard, cast

from perplexity_connector.contract import ConnectorError, ErrorCode

# Longer ones are neither ids nor names.
_LONGEST_NAME = 1000
_LARGEST = 2**53


def require_name(argument: str, value: object) -> None:
    """Require the id or the name of something."""
    if not is_name(value):
        raise _invalid(argument, "one line of text")


def require_names(argument: str, value: object) -> None:
    """Require a collection of ids or names."""
    # A text is a collection too: of its characters.
    if (
        isinstance(value, str)
        or not isinstance(value, Collection)
        or not all(map(is_name, value))
    ):
        raise _invalid(argument, "a list of names")


def require_text(argument: str, value: object) -> None:
    """Require text."""
    if not isinstance(value, str):
        raise _invalid(argument, "text")


def require_whole_number(argument: str, value: object) -> None:
    """Require a whole number that every JSON reader can read."""
    if not is_whole_number(value):
        raise _invalid(argument, "a whole number")


def require_count(argument: str, value: object) -> None:
    """Require a whole number, 1 or more."""
    if not (is_whole_number(value) and value > 0):
        raise _invalid(argument, "a whole number, 1 or more")


def require_flag(argument: str, value: object) -> None:
    """Require true or false."""
    if not isinstance(value, bool):
        raise _invalid(argument, "True or False")


def require_methods(argument: str, value: object, *names: str) -> None:
    """Require an object that has these methods."""
    if not all(callable(getattr(value, name, None)) for name in names):
        raise _invalid(argument, f"an object with {' and '.join(names)}")


def require_function(argument: str, value: object) -> None:
    """Require something that can be called."""
    if not callable(value):
        raise _invalid(argument, "a function")


def require_path(argument: str, value: object) -> None:
    """Require a path."""
    if not isinstance(value, Path):
        raise _invalid(argument, "a path")


def require_mapping(argument: str, value: object) -> None:
    """Require a mapping."""
    if not isinstance(value, Mapping):
        raise _invalid(argument, "a mapping")


def require_connection(argument: str, value: object) -> None:
    """Require the name of a connection, its fields, or None."""
    if value is not None and not isinstance(value, str | Mapping):
        raise _invalid(argument, "a name or a mapping of fields")


def require_connections(connections: object) -> None:
    """Require a mapping from connector ids to connections, or None."""
    if connections is None:
        return
    require_mapping("connections", connections)
    for connector, connection in cast("Mapping[str, object]", connections).items():
        require_connection(f"connections[{connector!r}]", connection)


def as_seconds(argument: str, value: object) -> float:
    """Return a number of seconds, more than 0."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            seconds = float(value)
            if isfinite(seconds) and seconds > 0:
                return seconds
    raise _invalid(argument, "a number of seconds, more than 0")


def is_name(value: object) -> bool:
    """Return whether that can be an id or a name: one line, which can be encoded and shown."""
    return (
        isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isprintable()
    )


def is_whole_number(value: object) -> TypeGuard[int]:
    """Return whether that is a whole number that every JSON reader can read."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return -_LARGEST <= value <= _LARGEST


def _invalid(argument: str, wanted: str) -> ConnectorError:
    return ConnectorError(ErrorCode.INVALID_INPUT, f"{argument} must be {wanted}.")
