"""Completes a command line for a shell. Only a shell that asks for it imports this."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script
from typer.core import TyperArgument, TyperOption

from perplexity_connector.cli import hosts
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.language_models import SOURCE, connector_with_models
from perplexity_connector.cli.output import print_lines
from perplexity_connector.cli.palette import find_action
from perplexity_connector.cli.shortcut_input import Shortcut
from perplexity_connector.cli.shortcuts import COMPLETE, PROGRAM
from perplexity_connector.contract import ActionDescription
from perplexity_connector.contract.json import pointer_tokens
from perplexity_connector.contract.readers import as_list, as_object
from perplexity_connector.host import Host
from perplexity_connector.host.ledger.entries import State, UsageBy
from perplexity_connector.host.ledger.flow_entries import HistoryStatus
from perplexity_connector.host.validation.assignments import field_path, schema_at
from perplexity_connector.host.validation.schema_types import list_types

_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
# In bash, a space after FIELD= would end the word.
_BASH_END = "    return 0\n"
_BASH_NO_SPACE = "    [[ $COMPREPLY == *= ]] && compopt -o nospace\n"
# So many runs, and so many flows, are listed.
_LISTED = 20
# Shells write a completion into the line as it is, where other signs would have an effect.
_PLAIN_WORD = re.compile(r"[\w@%+=:,./-]+")


def print_script(shell: str) -> None:
    """Print the script for a shell that completes our commands. Raises `UsageError` for an unknown one."""
    if shell not in _SHELLS:
        message = f"SHELL must be one of {', '.join(_SHELLS)}."
        raise UsageError(message)
    script = get_completion_script(
        prog_name=PROGRAM, complete_var=COMPLETE, shell=shell
    )
    print_lines([script.replace(_BASH_END, _BASH_NO_SPACE + _BASH_END)])


def complete(app: typer.Typer) -> int:
    """Print the words that may come next, for a shell. Return the exit code."""
    completion_init()
    with _completing(TyperArgument), _completing(TyperOption):
        return int(app(prog_name=PROGRAM, standalone_mode=False) or 0)


@contextmanager
def _completing(kind: Any) -> Iterator[None]:
    """Complete the values of a kind of parameter, until the block ends."""
    # Here, so that no other start has to name a function for each parameter.
    original = kind.shell_complete
    kind.shell_complete = _shell_complete
    try:
        yield
    finally:
        kind.shell_complete = original


def _shell_complete(param: Any, context: Any, begun: str) -> Sequence[Any]:
    """Return the completions of a parameter's value, in place of the parser's own."""
    from typer._click.shell_completion import CompletionItem  # noqa: PLC0415 - it has no public name

    try:
        words = _words(param, context, begun)
        found = [
            word
            for word in words
            if word.startswith(begun) and _PLAIN_WORD.fullmatch(word)
        ]
    except Exception:  # noqa: BLE001 - a message would be printed into the line that is being typed
        return []
    return [CompletionItem(word) for word in found]


def _words(param: Any, context: Any, begun: str) -> Iterable[str]:
    if param.metavar in {"FIELD=VALUE", "FIELD=TEMPLATE"}:
        is_option = param.param_type_name == "option"
        return _fields(context, begun, () if is_option else context.params["fields"])
    if param.metavar == "WORDS":
        return _rest_of_field(context, begun)
    if _is_connection(param):
        return _connections()
    if str(param.metavar).endswith("|last"):
        return _ids()
    if param.metavar == "VALUE":
        return _values_of_option(context, param.opts[0])
    find = _BY_METAVAR.get(param.metavar)
    return find() if find else ()


def _is_connection(param: Any) -> bool:
    if param.name == "connection":
        return True
    return param.metavar == "NAME" and bool(param.param_type_name == "argument")


def _actions() -> Iterable[str]:
    return [entry["action"] for entry in hosts.make_host({}).actions()]


def _states() -> Iterable[str]:
    return dict.fromkeys((*get_args(State), *get_args(HistoryStatus)))


def _connections() -> Iterable[str]:
    stored = hosts.make_host({}).connections.list()
    return [connection["connection_name"] for connection in stored]


def _ids() -> Iterable[str]:
    with hosts.make_records() as records:
        ledger = records.ledger
        runs = records.answer(ledger.runs(limit=_LISTED))
        flows = records.answer(ledger.flows(limit=_LISTED))
    of_runs = (run.run_id for run in runs)
    of_flows = (flow.flow_id for flow in flows)
    return ["last", *of_runs, *of_flows]


def _models() -> Iterable[str]:
    connector = connector_with_models(hosts.make_host({}))
    return _options(connector["id"], SOURCE)


def _options(connector: str, source: str) -> Iterable[str]:
    """Return the options that a connector lists without a credential. Nothing is sent."""

    async def ask(host: Host) -> Iterable[str]:
        async with host:
            page = await host.options(connector, source)
        return [option["value"] for option in page["options"]]

    return asyncio.run(ask(hosts.make_host({"environ": {}})))


def _rest_of_field(context: Any, begun: str) -> Iterable[str]:
    """Return the values of an option's FIELD=VALUE, of which bash makes words."""
    fields: Sequence[str] = context.params.get("fields") or ()
    last = ["=", *fields][-1]
    words: Sequence[str] = context.params.get("words") or ()
    ends = [word for word in words[-1:] if word == "="]
    is_split = "=" not in last and (ends or "=" not in words)
    return _fields(context, begun, [last, *ends]) if is_split else ()


def _fields(context: Any, begun: str, words: Sequence[str] | None) -> Iterable[str]:
    """Return the fields of the action, each with `=`, or the values of the one before `=`."""
    description = _description(context)
    # Bash makes three words of FIELD=VALUE, and other shells one.
    *given, last = ["", *(words or ())]
    field, equals, _ = begun.partition("=")
    if last and "=" not in last:
        field, equals = last, ""
    elif last == "=":
        field, equals = given[-1], ""
    elif not equals:
        schema = description["schemas"]["input"]
        return [f"{name}=" for name in as_object(schema.get("properties"))]
    values = _values(description, field_path(field))
    return [f"{field}={value}" if equals else value for value in values]


def _values_of_option(context: Any, flag: str) -> Iterable[str]:
    """Return the values of the field that an option of an action's command sets."""
    description = _description(context)
    options = Shortcut(description=description).options
    fields = {f"--{option['name']}": option["field"] for option in options}
    return _values(description, pointer_tokens(fields[flag]) or ())


def _description(context: Any) -> ActionDescription:
    """Return the action of a command, which is an action's own or has an argument.

    Raises `LookupError` for another command.
    """
    host = hosts.make_host({})
    if typed := context.params.get("action"):
        return host.describe(*find_action(host.actions(), typed))
    connector, _, name = context.info_name.rpartition(":")
    found = {
        command["name"]: (entry["connector"], entry["action"])
        for entry in host.actions()
        if (command := entry["command"]) and connector in {"", entry["connector"]}
    }
    return host.describe(*found[name])


def _values(description: ActionDescription, path: Sequence[str]) -> Iterable[str]:
    """Return the values that a field may have; empty if it may have any."""
    options = description["action"]["options"]
    if source := options.get("".join(f"/{name}" for name in path)):
        return _options(description["connector"]["id"], source)
    place = schema_at(description["schemas"]["input"], path)
    choices = [str(value) for value in as_list(place.get("enum"))]
    return choices or (("true", "false") if "boolean" in list_types(place) else ())


_BY_METAVAR: Mapping[str, Callable[[], Iterable[str]]] = {
    "ACTION": _actions,
    "SHELL": lambda: _SHELLS,
    "STATE": _states,
    "[WORDS]": _models,
    "WORD": lambda: get_args(UsageBy),
}
