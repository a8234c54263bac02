"""What runs along the edges of a flow."""

from typing import Any


class Data:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data


class Message(Data):
    def __init__(self, text: Any, **properties: object) -> None:
        super().__init__(properties)
        self.text: str = text


class DataFrame:
    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.rows = rows
