"""What the rows of a table run, from the arguments of `run-table`: an action, or a flow in a file."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from perplexity_connector.cli.connections import connection_by_connector, known_name
from perplexity_connector.cli.flow_arguments import read_flow_file, steps_of
from perplexity_connector.cli.palette import find_action
from perplexity_connector.cli.targets import Connection
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.readers import as_object, as_text
from perplexity_connector.host import Host

if TYPE_CHECKING:
    from perplexity_connector.contract import TableItem
    from perplexity_connector.host.tables.params import AnyTableOptions


class TableWork(ABC):
    """What the rows of a table run.

    * `connectors`: the connectors that they use.
    * `names`: by connector, the name of the stored connection that `--connection` gives.
    * `schema`: the schema of the input, or of the flow's inputs.
    """

    connectors: Collection[str]
    names: Mapping[str, str]
    schema: JsonObject

    @abstractmethod
    def stream(
        self,
        host: Host,
        table: str,
        template: Mapping[str, str],
        connections: Mapping[str, Connection],
        **options: "Unpack[AnyTableOptions]",
    ) -> "AsyncGenerator[TableItem, None]":
        """Return the items of a table; `connections` are those of the rows, by connector."""


class ActionWork(TableWork):
    """An action. `_connector`, `_action`: its ids."""

    def __init__(self, host: Host, action: str, connection: str | None) -> None:
        """Find both by name. Raises `UsageError`."""
        self._connector, self._action = find_action(host.actions(), action)
        description = host.describe(self._connector, self._action)
        self.schema = description["schemas"]["input"]
        self.connectors = {self._connector}
        self.names = {}
        if connection is not None:
            self.names = {self._connector: known_name(host, connection)}

    def stream(
        self,
        host: Host,
        table: str,
        template: Mapping[str, str],
        connections: Mapping[str, Connection],
        **options: "Unpack[AnyTableOptions]",
    ) -> "AsyncGenerator[TableItem, None]":
        """Return the items of a table; `connections` are those of the rows, by connector."""
        connection = connections.get(self._connector)
        where = (self._connector, self._action)
        return host.stream_table(
            *where, table, template, connection=connection, **options
        )


class FlowWork(TableWork):
    """A flow. `_flow`: its document."""

    def __init__(self, host: Host, file: str, connection: str | None) -> None:
        """Read the file, and find the connection by name. Raises `UsageError`."""
        self._flow = read_flow_file(file)
        self.schema = as_object(self._flow.get("inputs"))
        steps = steps_of(self._flow)
        self.connectors = {as_text(step.get("connector")) for step in steps}
        self.names = connection_by_connector(host, connection)

    def stream(
        self,
        host: Host,
        table: str,
        template: Mapping[str, str],
        connections: Mapping[str, Connection],
        **options: "Unpack[AnyTableOptions]",
    ) -> "AsyncGenerator[TableItem, None]":
        """Return the items of a table; `connections` are used instead of those that the steps name."""
        return host.stream_flow_table(
            self._flow, table, template, connections=connections, **options
        )


def table_work(host: Host, action: str, connection: str | None) -> TableWork:
    """Return what the rows run: a flow if a file has that name, else an action. Raises `UsageError`."""
    is_flow = action.endswith(".json") or Path(action).is_file()
    return (FlowWork if is_flow else ActionWork)(host, action, connection)
