"""An action that each row of a table runs."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.runs.params import GivenConnection, RunOptions
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.tables.inputs.templates import compile_templates
from perplexity_connector.host.tables.rows.row_log import RowLog
from perplexity_connector.host.tables.runnables.runnable import (
    MakeInput,
    Named,
    Runnable,
)
from perplexity_connector.host.validation.schema_types import property_schema

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        CostEstimate,
        EnvelopeDocument,
        FieldError,
    )
    from perplexity_connector.host.ledger.entries import Claim
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.tables.rows.brakes import Brakes


class RunnableAction(Runnable):
    """An action, with the connection and the timeout of its runs.

    `_where`: its connector, and its id there.
    """

    def __init__(  # noqa: PLR0913 - the parts of a run that all rows share
        self,
        catalogue: Catalogue,
        runs: Runs,
        where: tuple[str, str],
        version: int | None,
        *,
        connection: GivenConnection,
        timeout: float | None,
    ) -> None:
        """Find the action. Raises `ConnectorError` (`not_found`)."""
        described = catalogue.describe(*where, version)
        action, output = described["action"], described["schemas"]["output"]
        self._runs = runs
        self._where = where
        self._version = action["version"]
        self._connection = connection
        self._timeout = timeout
        self._schema = described["schemas"]["input"]
        self.named = Named(
            connector=where[0],
            action=where[1],
            version=self._version,
            connection=connection if isinstance(connection, str) else None,
            idempotent=action["annotations"]["idempotent"],
        )
        self.identity = [*where, self._version]
        self.release = described["connector"]["version"]
        self.content = "/content" if property_schema(output or {}, "content") else None

    def compile(
        self, template: Mapping[str, str], columns: Collection[str]
    ) -> MakeInput:
        """Return the function that makes a row's input. Raises `ConnectorError` for a wrong template."""
        return compile_templates(template, columns, self._schema)

    def appraise(
        self, content: JsonObject
    ) -> "tuple[Sequence[FieldError], CostEstimate]":
        """Return the errors of an input, and its price: only that of a valid one counts."""
        return self._runs.appraise(*self._where, content, self._version)

    def seconds(self, rows: int) -> float | None:
        """Return how long so many runs take at the known rate limit; None if it is not known."""
        return self._runs.seconds_for(*self._where, self._connection, rows)

    async def run(
        self, ledger: "Ledger", claim: "Claim", brakes: "Brakes"
    ) -> "tuple[RowLog, EnvelopeDocument]":
        """Run the action, or follow its earlier run. Return the log and the envelope of the row."""
        log = RowLog(ledger, claim, brakes, idempotent=self.named.idempotent)
        options = RunOptions(
            version=self._version,
            connection=self._connection,
            timeout=self._timeout,
            run_id=claim.run_id,
            resume_from=claim.checkpoint,
        )
        row = claim.input or {}
        return log, await self._runs.run(*self._where, row, options, log=log)
