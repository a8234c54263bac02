"""Runs the command of an action, such as `ask`: builds its input, then does as `run` does."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_connector.cli.connections import known_name
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.fields import apply_assignments
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.running import RunArgs, run_action
from perplexity_connector.cli.shortcut_input import Shortcut
from perplexity_connector.cli.targets import HostMaker
from perplexity_connector.contract.json import is_blank, pointer_tokens, value_at

if TYPE_CHECKING:
    from perplexity_connector.contract import ContinuationDocument, JsonValue

_SANDBOX_ENDED = "A private sandbox ends with its command, so it has no earlier answer. To try --continue, start `perplexity-connector sandbox` and do as it says."  # noqa: E501 - a message
_NOTHING = "No earlier answer over this connection is recorded. Give the earlier --connection, or remove --continue."
_ERASED = "The content of the last run is erased, so nothing can go on from it. Remove --continue."
_NO_ID = "The last answer has no id to go on from. Remove --continue."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The arguments of a command, as typed.

    * `options`: the values of each option, by its name.
    * `fields`: the FIELD=VALUE of other fields.
    * `continues`: whether to go on from the last run.
    """

    words: Sequence[str]
    options: Mapping[str, Sequence[str]]
    fields: Sequence[str] | None = None
    continues: bool = False
    connection: str | None = None
    sandbox: bool = False
    timeout: float | None = None
    as_json: bool = False


def run_asked(
    shortcut: Shortcut, asked: Asked, make_host: HostMaker, records: Records
) -> int:
    """Run the action of a command and show its result. Return the exit code.

    Raises as `run_action` does, and `UsageError` for words or options that cannot be used.
    """
    action = shortcut.description["action"]["id"]
    connector = shortcut.description["connector"]["id"]
    built = shortcut.build(asked.words, asked.options)
    continues = shortcut.command.get("continues")
    if asked.continues and continues:
        value = _earlier(shortcut, asked, continues, make_host, records)
        built = shortcut.with_value(built, continues["field"], value)
    fields = asked.fields or ()
    built = apply_assignments(built, fields, shortcut.schema, after="--field")
    args = RunArgs(
        action=f"{connector}.{action}",
        document=json.dumps(built),
        sandbox=asked.sandbox,
        connection=asked.connection,
        timeout=asked.timeout,
        as_json=asked.as_json,
    )
    return run_action(args, make_host, records)


def _earlier(
    shortcut: Shortcut,
    asked: Asked,
    continues: "ContinuationDocument",
    make_host: HostMaker,
    records: Records,
) -> "JsonValue":
    """Return the value of the last run that the new one goes on from.

    Raises `UsageError` if there is nothing to go on from.
    """
    if asked.sandbox:
        raise UsageError(_SANDBOX_ENDED)
    name = asked.connection and known_name(make_host({}), asked.connection)
    description = shortcut.description
    connector, action = description["connector"]["id"], description["action"]["id"]
    last = records.answer(records.ledger.last_run(connector, action, name))
    if last is None:
        raise UsageError(_NOTHING)
    if last.output is None:
        raise UsageError(_ERASED)
    path = pointer_tokens(continues["output"]) or ()
    with suppress(LookupError):
        value = value_at(last.output["output"], path)
        if not is_blank(value):
            return value
    raise UsageError(_NO_ID)
