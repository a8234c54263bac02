"""Check an operator's choices for a host."""

from collections.abc import Mapping, Sequence

from perplexity_connector.host.validation.arguments import (
    require_flag,
    require_mapping,
    require_methods,
    require_names,
    require_whole_number,
)


def require_options(
    numbers: Mapping[str, int],
    flags: Mapping[str, object],
    *,
    settings: Mapping[str, Mapping[str, str]] | None,
    environ: object,
    connectors: object,
) -> None:
    """Raise `ConnectorError` (`invalid_input`) for an option of a wrong type.

    Raises `ValueError` for a `concurrency` below one.
    """
    for name, number in numbers.items():
        require_whole_number(name, number)
    for name, flag in flags.items():
        require_flag(name, flag)
    for name, values in {"settings": settings, "environ": environ}.items():
        if values is not None:
            require_mapping(name, values)
    for name, own in (settings or {}).items():
        require_mapping(f"settings[{name!r}]", own)
    if connectors is not None:
        require_names("connectors", connectors)
    if numbers["concurrency"] < 1:
        message = "concurrency must be 1 or more"
        raise ValueError(message)


def require_parts(
    *, store: object, limiter: object, ledger: object, observers: Sequence[object]
) -> None:
    """Raise `ConnectorError` (`invalid_input`) for a part without the methods that a host calls."""
    if store is not None:
        require_methods("store", store, "read", "change")
    if limiter is not None:
        require_methods("limiter", limiter, "acquire", "observe")
    if ledger is not None:
        require_methods("ledger", ledger, "begin_run", "end_run")
    for number, observer in enumerate(observers):
        require_methods(f"observers[{number}]", observer, "observe")
