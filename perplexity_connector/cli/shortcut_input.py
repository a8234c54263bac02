"""Builds the input of an action from the words and options of its command."""

import os
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.fields import not_json, read_text
from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import child_pointer, pointer_tokens
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.validation.assignments import (
    Read,
    list_items,
    set_value,
    typed_value,
)
from perplexity_connector.host.validation.schema_types import item_schema, list_types

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        CommandDocument,
        CommandOptionDocument,
    )

_STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """The command of an action. `description`: the action, which has one."""

    description: "ActionDescription"

    @property
    def command(self) -> "CommandDocument":
        """The command, as in the manifest."""
        return cast("CommandDocument", self.description["action"]["command"])

    @property
    def options(self) -> "Sequence[CommandOptionDocument]":
        """The options of the command."""
        return self.command.get("options", [])

    @property
    def schema(self) -> JsonObject:
        """The schema of the input."""
        return self.description["schemas"]["input"]

    def setting_of(self, option: "CommandOptionDocument") -> str:
        """Return the value of an option's setting; empty without one."""
        for setting in self.description["connector"]["settings"]:
            if setting["name"] == option.get("setting"):
                variable = setting.get("env") or ""
                default = setting.get("default") or ""
                return os.environ.get(variable) or default
        return ""

    def build(
        self, words: Sequence[str], given: Mapping[str, Sequence[str]]
    ) -> JsonObject:
        """Return the input. `given` has the values of each option, by its name.

        Raises `UsageError` for a value that cannot be read, or words that are blank.
        """
        built = self._with_words(words)
        unused: set[str] = set()
        used: set[str] = set()
        for option in self.options:
            part = option.get("without") or ""
            texts = given[option["name"]] or self._texts_of_setting(option)
            if not texts:
                unused.add(part)
                continue
            used.add(part)
            built = self._set(built, option["field"], _reader(option, texts))
        # Two options may fill one part.
        return as_object(_without(built, unused - used))

    def with_value(
        self, base: JsonObject, pointer: str, value: JsonValue
    ) -> JsonObject:
        """Return the input with a field set."""
        return self._set(base, pointer, lambda _: value)

    def _with_words(self, words: Sequence[str]) -> JsonObject:
        values = self.command.get("values", {})
        pointer = self.command["words"]
        return self._set(values, pointer, lambda schema: _read_words(words, schema))

    def _texts_of_setting(self, option: "CommandOptionDocument") -> Sequence[str]:
        value = self.setting_of(option)
        return [value] if value else []

    def _set(self, base: JsonObject, pointer: str, read: Read) -> JsonObject:
        path = pointer_tokens(pointer) or ()
        try:
            return as_object(set_value(base, self.schema, path, read))
        except LookupError:
            action = self.description["action"]["id"]
            message = (
                f"The command of {action} has no place for {pointer} in its values."
            )
            raise ConnectorError(ErrorCode.INTERNAL, message) from None


def _read_words(words: Sequence[str], schema: JsonObject) -> JsonValue:
    """Return the words as one text; several words as a list, where the schema takes one."""
    types = list_types(schema)
    takes_list = "array" in types
    read = list(_texts(words, lines=takes_list))
    if not "".join(read).strip():
        message = "WORDS are empty."
        raise UsageError(message)
    if not takes_list:
        return _as_value(" ".join(read), schema)
    if len(read) == 1 and "string" in types:
        return read[0]
    return [_as_value(text, item_schema(schema)) for text in read]


def _texts(words: Sequence[str], *, lines: bool) -> Iterator[str]:
    """Yield each word; for `-` the text of stdin, or each of its lines that is not blank."""
    for word in words:
        if word != _STDIN:
            yield word
            continue
        text = read_text(_STDIN, "stdin")
        if lines:
            yield from filter(str.strip, text.splitlines())
        else:
            yield text.rstrip("\r\n")


def _as_value(text: str, schema: JsonObject) -> JsonValue:
    """Return the value of a word. Where the schema takes text, it stays text."""
    types = list_types(schema)
    return text if "string" in types else _read_value(text, "WORDS", schema)


def _reader(option: "CommandOptionDocument", texts: Sequence[str]) -> Read:
    """Return the function that reads the values of an option."""
    label = f"--{option['name']}"

    def read(schema: JsonObject) -> JsonValue:
        given = [
            partial(_read_value, _option_text(option, text, label), label)
            for text in texts
        ]
        if len(given) == 1:
            return given[0](schema)
        if "array" not in list_types(schema):
            message = f"{label} takes one value. It is given {len(given)} times."
            raise UsageError(message)
        return [item for one in given for item in list_items(one, schema)]

    return read


def _option_text(option: "CommandOptionDocument", text: str, label: str) -> str:
    return read_text(text, label) if option.get("file") else text


def _read_value(text: str, label: str, schema: JsonObject) -> JsonValue:
    """Return the value of a text. Raises `UsageError`, beginning with `label`, for broken JSON."""
    try:
        return typed_value(text, schema)
    except ValueError as problem:
        raise not_json(label, problem) from None


def _without(node: JsonValue, unused: AbstractSet[str], pointer: str = "") -> JsonValue:
    """Return a copy without the parts at these pointers."""
    if isinstance(node, Mapping):
        return {
            name: _without(part, unused, at)
            for name, part in node.items()
            if (at := child_pointer(pointer, name)) not in unused
        }
    if isinstance(node, list):
        return [
            _without(part, unused, at)
            for index, part in enumerate(node)
            if (at := child_pointer(pointer, index)) not in unused
        ]
    return node
