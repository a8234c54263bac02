"""The base of every node: it serves the values of its inputs, and shows messages as they are written."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

from lfx.schema import Message


class Component:
    display_name: str
    description: str
    documentation: str
    inputs: list[Any] = []
    outputs: list[Any] = []

    def __init__(self, *, shown: bool = False, **values: object) -> None:
        self._fields = {field.name: field for field in deepcopy(self.inputs)}
        for name, value in values.items():
            self._fields[name].value = value
        self._event_manager = object() if shown else None
        self.graph = SimpleNamespace(session_id="a session")
        self.status: object = None
        self.pieces: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["_fields"][name].value

    def is_connected_to_chat_output(self) -> bool:
        return self._event_manager is not None

    async def send_message(self, message: Message) -> Message:
        self.pieces = [piece.content async for piece in message.text]
        # As lfx: the first piece is the text of the new message, and a token after it.
        self.live = self.pieces[0] + "".join(self.pieces)
        return Message("".join(self.pieces))
