"""An action as a component of Langflow: the one place that knows Langflow's classes."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import ClassVar

from lfx import inputs as langflow
from lfx.custom import Component
from lfx.schema import Data, DataFrame, Message
from lfx.template import Output
from pydantic import SecretStr

from perplexity_connector.adapters.langflow.hosting import described, shared_host
from perplexity_connector.adapters.langflow.inputs import (
    connection_of,
    input_of,
    inputs_of,
)
from perplexity_connector.adapters.langflow.outputs import (
    failure_text,
    message_text,
    outputs_of,
    rows_name,
    rows_of,
)
from perplexity_connector.contract import JsonObject, JsonValue, Secret
from perplexity_connector.contract.json import as_object, as_text


class ActionFailedError(Exception):
    """A run that failed, in the words that stand in the node's status; Langflow shows the code beside them."""

    def __init__(self, error: JsonObject) -> None:
        """Tell an envelope's error."""
        super().__init__(failure_text(error))
        self.code = as_text(error.get("code"))


class ActionComponent(Component):
    """A node of Langflow that carries out one action. A subclass names it; its form and outputs follow from that."""

    action: ClassVar[tuple[str, str]]
    icon = "ZoomIn"
    _envelope: JsonObject | None = None

    def __init_subclass__(cls, **keywords: object) -> None:
        """Project the action: its words, its inputs, its outputs."""
        super().__init_subclass__(**keywords)
        about = described(*cls.action)
        entry = as_object(about["action"])
        cls.display_name = entry["title"]
        cls.description = entry["summary"]
        cls.documentation = as_object(as_object(about["connector"])["links"]).get(
            "documentation", ""
        )
        cls.inputs = [
            getattr(langflow, spec.kind)(name=spec.name, **spec.keywords)
            for spec in inputs_of(about)
        ]
        cls.outputs = [
            Output(
                name=spec.name,
                display_name=spec.title,
                method=spec.method,
                group_outputs=True,
                # An agent is handed the text alone: each of the others would be the same tool once more.
                tool_mode=spec.method == "as_message",
            )
            for spec in outputs_of(about)
        ]

    async def as_message(self) -> Message:
        """The output to read; as it is written, where the form says `stream` and a Chat Output shows it."""
        message = (
            await self._streamed()
            if self._listens()
            else Message(text=message_text(await self._output()))
        )
        self.status = message
        return message

    async def as_rows(self) -> DataFrame:
        """The output's table."""
        rows = DataFrame(
            rows_of(await self._output(), rows_name(described(*self.action)))
        )
        self.status = rows
        return rows

    async def as_data(self) -> Data:
        """The whole output."""
        data = Data(data=dict(await self._output()))
        self.status = data
        return data

    def _pre_run_setup(self) -> None:
        # Several outputs share one run, which is paid once; the next time the node is run is another run.
        self._envelope = None

    async def _output(self) -> JsonObject:
        if self._envelope is None:
            host = await shared_host()
            self._envelope = await host.run(
                *self.action, self._given(), connection=self._connection()
            )
        if self._envelope["status"] != "succeeded":
            raise ActionFailedError(as_object(self._envelope["error"])) from None
        return as_object(self._envelope["output"])

    def _listens(self) -> bool:
        ready = (
            self._envelope is None
            and self._event_manager is not None
            and bool(self.graph.session_id)
        )
        return (
            ready
            and bool(self._given().get("stream"))
            and self.is_connected_to_chat_output()
        )

    async def _streamed(self) -> Message:
        message = Message(
            text=self._pieces(),
            sender="Machine",
            sender_name="AI",
            properties={"icon": self.icon, "state": "partial"},
            session_id=self.graph.session_id,
        )
        shown = await self.send_message(message)
        # What was streamed may have been taken back; the answer that counts is the one in the output.
        shown.text = message_text(await self._output())
        return shown

    async def _pieces(self) -> AsyncIterator[SimpleNamespace]:
        host, streamed = await shared_host(), ""
        async with aclosing(
            host.stream(*self.action, self._given(), connection=self._connection())
        ) as events:
            async for event in events:
                if event.get("type") == "text.delta":
                    streamed += as_text(event["text"])
                    yield SimpleNamespace(content=event["text"])
                elif "type" not in event:
                    self._envelope = event
        yield SimpleNamespace(content=message_text(await self._output(), streamed))

    def _given(self) -> dict[str, JsonValue]:
        about = described(*self.action)
        return input_of(
            about,
            {spec.name: _plain(getattr(self, spec.name)) for spec in inputs_of(about)},
        )

    def _connection(self) -> str | dict[str, str | Secret] | None:
        about = described(*self.action)
        names = as_object(
            as_object(as_object(about["schemas"])["connection"])["properties"]
        )
        return connection_of(
            about, {name: _revealed(getattr(self, name)) for name in names}
        )


def _plain(value: JsonValue | Data) -> JsonValue:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Message):
        return value.text
    return value.data if isinstance(value, Data) else value


def _revealed(value: object) -> str:
    return (
        value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
    )
