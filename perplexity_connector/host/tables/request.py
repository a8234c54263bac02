"""Check the arguments of a caller. Nothing is read from the table or the ledger yet."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perplexity_connector.host.spending.money import budget_cap
from perplexity_connector.host.tables.params import (
    AnyTableOptions,
    FlowTableOptions,
    JobOptions,
    TableOptions,
)
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.validation.arguments import (
    as_seconds,
    require_connection,
    require_connections,
    require_count,
    require_flag,
    require_function,
    require_mapping,
    require_name,
    require_text,
)

# How many rows run at once, if the caller does not say so.
AT_ONCE = 16
_FLAGS = ("ordered", "fresh", "raw", "plan_only", "enter_only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A table to run.

    * `table`, `out`: the real paths of the table and its output.
    * `template`: a text for each field.
    * `cap`: the budget in nano-USD; None without a new one.
    * `options`: all others as given.
    """

    table: Path
    out: Path
    template: Mapping[str, str]
    cap: int | None
    options: AnyTableOptions

    @property
    def job_name(self) -> str:
        """The name of its job: the given one, or the real path of its output."""
        return self.options.get("job") or str(self.out)


def check_action(connector: str, action: str) -> None:
    """Raise `ConnectorError` (`invalid_input`) for a name that cannot be an id."""
    require_name("connector", connector)
    require_name("action", action)


def check_flow_request(
    table: str | Path, template: Mapping[str, str], options: FlowTableOptions
) -> "Request":
    """Return the request for a table of a flow. Raises `ConnectorError` as `check_request` does."""
    _require_known(options, FlowTableOptions)
    require_connections(options.get("connections"))
    return _request(table, template, options)


def check_request(
    table: str | Path,
    template: Mapping[str, str],
    options: TableOptions,
) -> Request:
    """Return the request. Raises `ConnectorError` (`invalid_input`) for a wrong argument."""
    _require_known(options, TableOptions)
    require_connection("connection", options.get("connection"))
    return _request(table, template, options)


def _request(
    table: str | Path, template: Mapping[str, str], options: AnyTableOptions
) -> Request:
    _check_options(options)
    _check_template(template)
    budget = options.get("budget")
    request = Request(
        table=_path("table", table),
        out=_path("out", options.get("out")),
        template=dict(template),
        cap=None if budget is None else budget_cap("budget", budget),
        options=options,
    )
    if request.table == request.out:
        message = (
            "The output must be another file than the table. Choose another --out."
        )
        raise refusal(message)
    return request


def check_job(job: str, options: JobOptions) -> None:
    """Raise `ConnectorError` (`invalid_input`) for a wrong argument of `stream_job`."""
    _require_known(options, JobOptions)
    require_name("job", job)
    if (start := options.get("start")) is not None:
        require_count("start", start)
    require_connection("connection", options.get("connection"))
    require_connections(options.get("connections"))
    _check_runs(options)


def check_writing(job: str, out: str | Path, *, raw: bool) -> Path:
    """Return the real path of an output. Raises `ConnectorError` (`invalid_input`) for a wrong argument."""
    require_name("job", job)
    require_flag("raw", raw)
    return _path("out", out)


def _require_known(options: AnyTableOptions | JobOptions, kind: type) -> None:
    if unknown := options.keys() - kind.__annotations__.keys():
        message = f"a table has no option {', '.join(unknown)}"
        raise TypeError(message)


def _check_runs(options: AnyTableOptions | JobOptions) -> None:
    require_count("at_once", options.get("at_once", 1))
    if options.get("retry") not in {None, "failed", "unsure"}:
        message = "retry must be 'failed' or 'unsure'."
        raise refusal(message)
    if (timeout := options.get("timeout")) is not None:
        as_seconds("timeout", timeout)


def _check_template(template: Mapping[str, str]) -> None:
    require_mapping("template", template)
    for field, text in template.items():
        require_name("a field of the template", field)
        require_text("a template", text)


def _check_options(options: AnyTableOptions) -> None:
    for name in _FLAGS:
        require_flag(name, options.get(name, False))
    for name in ("job", "key"):
        if (text := options.get(name)) is not None:
            require_name(name, text)
    if (columns := options.get("columns")) is not None:
        require_mapping("columns", columns)
        for column, pointer in columns.items():
            require_name("a column", column)
            require_text("a column's pointer", pointer)
    _check_runs(options)
    if (confirm := options.get("confirm")) is not None:
        require_function("confirm", confirm)


def _path(argument: str, value: object) -> Path:
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        message = f"{argument} must be a path."
        raise refusal(message)
    return Path(os.path.realpath(Path(value).expanduser()))
