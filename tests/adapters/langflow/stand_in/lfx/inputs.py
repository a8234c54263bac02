"""Inputs: a name, a value and keywords."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Input(BaseModel):
    """What all inputs share."""

    model_config = ConfigDict(
        extra="allow", validate_assignment=True, arbitrary_types_allowed=True
    )
    name: str
    value: Any = ""


class BoolInput(Input): ...


class DropdownInput(Input): ...


class MessageTextInput(Input): ...


class MultilineInput(MessageTextInput): ...


class MultiselectInput(Input): ...


class NestedDictInput(Input): ...


class SecretStrInput(Input): ...


class StrInput(Input): ...


class TableInput(Input): ...


class IntInput(Input): ...


class FloatInput(Input): ...
