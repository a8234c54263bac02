"""The endpoints about what the ledger has: flows, runs and tables of all processes of this user."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import FencedError, LedgerError
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.workbench.api.history_documents import (
    entry_document,
    flow_document,
    job_document,
    run_document,
)
from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.failures import RefusedError
from perplexity_connector.workbench.reading import read_number, wrong_field

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host import Ledger

_T = TypeVar("_T")
_ENTRIES_A_PAGE = 50
_MOST_ENTRIES = 200


class HistoryApi:
    """Lists, shows and forgets entries of the ledger."""

    def __init__(self, parts: Parts) -> None:
        """Use the parts of the server."""
        self._given_ledger = parts.ledger

    @property
    def routes(self) -> list[Route]:
        """Return the endpoints, each at its address."""
        return [
            Route("/api/history", self.entries),
            Route("/api/history/{id}", self.entry),
            Route("/api/history/{id}", self.forget, methods=["DELETE"]),
        ]

    async def entries(self, request: Request) -> Response:
        """Return a page of entries, newest first, and where the next page begins."""
        query = request.query_params
        limit = read_number(request, "limit") or _ENTRIES_A_PAGE
        limit = min(limit, _MOST_ENTRIES)
        try:
            # One more than wanted says whether there is a next page.
            search = self._ledger.history(
                search=query.get("search") or None,
                before=query.get("before") or None,
                limit=limit + 1,
            )
        except ValueError:
            pointer, message = "/before", "Is not a place in the history."
            raise wrong_field(pointer, message) from None
        found = await _answer(search)
        shown = found[:limit]
        following = shown[-1].cursor if len(found) > limit else None
        documents = [entry_document(entry) for entry in shown]
        return JSONResponse({"entries": documents, "next": following})

    async def entry(self, request: Request) -> Response:
        """Return all that the ledger has of an entry."""
        return JSONResponse(await self._document(request.path_params["id"]))

    async def forget(self, request: Request) -> Response:
        """Close an entry, and erase its content."""
        await _answer(self._ledger.forget(request.path_params["id"]))
        return Response(status_code=204)

    @property
    def _ledger(self) -> "Ledger":
        if self._given_ledger is None:
            message = "There is no history: this workbench has no ledger."
            raise ConnectorError(ErrorCode.NOT_FOUND, message)
        return self._given_ledger

    async def _document(self, entry_id: str) -> Mapping[str, object]:
        ledger = self._ledger
        if flow := await _answer(ledger.flow(entry_id)):
            return flow_document(flow)
        if run := await _answer(ledger.run(entry_id)):
            return run_document(run)
        if job := await _answer(ledger.find_job(entry_id)):
            return job_document(job, await _answer(ledger.job_flow(job.job_id)))
        raise _unknown()


async def _answer(future: "Future[_T]") -> _T:
    """Wait for the ledger.

    Raises `ConnectorError`: `not_found` for an unknown entry, `internal` if the ledger cannot be
    used, and `RefusedError` (409) while a process works on the entry.
    """
    try:
        return await committed(future)
    except LookupError:
        raise _unknown() from None
    except FencedError:
        message = "A process works on this. Stop it first, or wait for its end."
        raise RefusedError(409, ErrorCode.UNAVAILABLE, message) from None
    except LedgerError as problem:
        raise ConnectorError(ErrorCode.INTERNAL, str(problem)) from None


def _unknown() -> ConnectorError:
    return ConnectorError(ErrorCode.NOT_FOUND, "The history has no entry of this id.")
