"""An action as a component of Langflow: the one place that knows Langflow's classes."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from lfx import inputs as langflow
from lfx.custom import Component
from lfx.schema import Data, DataFrame, Message
from lfx.template import Output
from pydantic import SecretStr

from perplexity_connector.adapters.langflow.hosting import described
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
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host import shared_host

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument


class ActionFailedError(Exception):
    """A failed run. Its text is the node's status; Langflow shows `code` beside it."""

    def __init__(self, error: "ErrorDocument") -> None:
        """Take an envelope's error."""
        super().__init__(failure_text(error))
        self.code = error["code"]


class ActionComponent(Component):
    """A node of Langflow that runs one action. A subclass names the action, which defines the rest.

    `_envelope` is the result of this execution of the node, once it has run.
    """

    action: ClassVar[tuple[str, str]]
    icon = "ZoomIn"
    _envelope: "EnvelopeDocument | None" = None

    def __init_subclass__(cls, **keywords: object) -> None:
        """Take the texts, the inputs and the outputs from the action."""
        super().__init_subclass__(**keywords)
        about = described(*cls.action)
        cls.display_name = about["action"]["title"]
        cls.description = about["action"]["summary"]
        cls.documentation = about["connector"]["links"].get("documentation", "")
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
                # An agent gets only the text: every other output would be the same tool again.
                tool_mode=spec.method == "as_message",
            )
            for spec in outputs_of(about)
        ]

    async def as_message(self) -> Message:
        """Return the output to read, streamed if the form says so and a Chat Output shows it."""
        if self._streams():
            message = await self._streamed_message()
        else:
            message = Message(text=message_text(await self._output()))
        self.status = message
        return message

    async def as_rows(self) -> DataFrame:
        """Return the output's table."""
        name = rows_name(described(*self.action))
        rows = DataFrame(rows_of(await self._output(), name))
        self.status = rows
        return rows

    async def as_data(self) -> Data:
        """Return the whole output."""
        data = Data(data=dict(await self._output()))
        self.status = data
        return data

    def _pre_run_setup(self) -> None:
        # The outputs of one execution share one run, which is paid once. The next execution is another run.
        self._envelope = None

    async def _output(self) -> JsonObject:
        if self._envelope is None:
            host = await shared_host()
            self._envelope = await host.run(
                *self.action, self._input(), connection=self._connection()
            )
        if self._envelope["status"] != "succeeded":
            raise ActionFailedError(self._envelope["error"]) from None
        return self._envelope["output"]

    def _streams(self) -> bool:
        has_listener = self._event_manager is not None and bool(self.graph.session_id)
        if self._envelope is not None or not has_listener:
            return False
        return bool(self._input().get("stream")) and self.is_connected_to_chat_output()

    async def _streamed_message(self) -> Message:
        message = Message(
            text=self._pieces(),
            sender="Machine",
            sender_name="AI",
            properties={"icon": self.icon, "state": "partial"},
            session_id=self.graph.session_id,
        )
        shown = await self.send_message(message)
        # The provider may have replaced the streamed text. The text in the output counts.
        shown.text = message_text(await self._output())
        return shown

    async def _pieces(self) -> AsyncIterator[SimpleNamespace]:
        # Langflow shows the first piece twice while it streams: in the new message, and as a token.
        yield SimpleNamespace(content="")
        host = await shared_host()
        streamed = ""
        events = host.stream(
            *self.action,
            self._input(),
            connection=self._connection(),
        )
        async with aclosing(events):
            async for item in events:
                if item["type"] == "text.delta":
                    streamed += item["text"]
                    yield SimpleNamespace(content=item["text"])
                elif item["type"] == "run.finished":
                    self._envelope = item["envelope"]
        yield SimpleNamespace(content=message_text(await self._output(), streamed))

    def _input(self) -> dict[str, JsonValue]:
        about = described(*self.action)
        names = [spec.name for spec in inputs_of(about)]
        return input_of(about, {name: _json(getattr(self, name)) for name in names})

    def _connection(self) -> str | dict[str, str | Secret] | None:
        about = described(*self.action)
        names = as_object(about["schemas"]["connection"].get("properties"))
        values = {name: _revealed(getattr(self, name)) for name in names}
        return connection_of(about, values)


def _json(value: Any) -> JsonValue:
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, Message):
        return value.text
    return value.data if isinstance(value, Data) else value


def _revealed(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value or "")
