"""Report runs to the log and to the operator's observers, and never wait for one of them."""

import asyncio
import copy
import json
import logging
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypedDict

from perplexity_connector import contract
from perplexity_connector.contract import ConnectorError
from perplexity_connector.contract.json import Document
from perplexity_connector.host.runs.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perplexity_connector.contract import (
        EnvelopeDocument,
        ErrorDocument,
        Observation,
        RunObserver,
    )

_LOG = logging.getLogger("automation_host")

# More reports than this do not wait for a slow observer: it misses them.
_MOST_WAITING = 10_000
# So long a host that closes waits for its observers.
_LAST_S = 2.0


class _Ids(TypedDict):
    run_id: str
    connector: str
    action: str


class Observers:
    """The operator's observers while a host is open. Each has a thread and a queue of its own."""

    def __init__(self, observers: "Sequence[RunObserver]") -> None:
        """Start a thread for each."""
        self._mailboxes = [_Mailbox(observer) for observer in observers]

    def report(self, observation: "Observation") -> None:
        """Hand a report to each observer; never blocks."""
        for mailbox in self._mailboxes:
            mailbox.put(observation)

    async def close(self) -> None:
        """Let them read their last reports, for two seconds at most, and end their threads."""
        await asyncio.gather(*[mailbox.close() for mailbox in self._mailboxes])


class Watch:
    """Reports one run. Without observers, each report is a call that returns at once.

    * `record`: the facts about the run.
    * `_observers`: get the reports; None without any.
    """

    def __init__(self, record: RunRecord, observers: Observers | None) -> None:
        """Report the run of `record`."""
        self.record = record
        self._observers = observers

    def started(self, attempt: int, key_id: str) -> None:
        """Report that the run begins."""
        if self._observers is not None:
            # By way of `contract`: most runs need none of these classes.
            report = contract.RunStarted(
                **self._ids(),
                version=self.record.version,
                attempt=attempt,
                key_id=key_id,
                started_at=self.record.started_at,
            )
            self._observers.report(report)

    def failed(self, attempt: int, error: ConnectorError, wait: float | None) -> None:
        """Report a failed attempt, and the wait before the next one."""
        if self._observers is not None:
            report = contract.AttemptFailed(
                **self._ids(),
                attempt=attempt,
                code=error.code,
                effect=error.effect,
                http_status=error.http_status,
                wait=wait,
            )
            self._observers.report(report)

    def sent(
        self, method: str, path: str, status: int | None, milliseconds: float
    ) -> None:
        """Report a request. A connector names it: parts of a wrong type are not passed on."""
        if self._observers is not None and _is_request(
            method, path, status, milliseconds
        ):
            report = contract.RequestSent(
                **self._ids(),
                method=method,
                path=path.partition("?")[0],
                status=status,
                milliseconds=milliseconds,
            )
            self._observers.report(report)

    def finished(self, envelope: "EnvelopeDocument") -> None:
        """Write the log line of a run that ended, and report it."""
        is_logged = _LOG.isEnabledFor(logging.INFO)
        if self._observers is None and not is_logged:
            return
        ids = self._ids()
        facts = _without_content(envelope)
        facts |= {"connector": ids["connector"], "action": ids["action"]}
        if is_logged:
            _LOG.info("run finished %s", json.dumps(facts), extra={"run": facts})
        if self._observers is not None:
            self._observers.report(contract.RunFinished(**ids, envelope=facts))

    def _ids(self) -> _Ids:
        # A caller may have given anything as an unknown name, a key too.
        record = self.record
        return {
            "run_id": record.run_id,
            "connector": record.connector if record.is_known else "",
            "action": record.action if record.is_known else "",
        }


class _Mailbox:
    """The reports for one observer.

    * `_reports`: those that wait; None is the end.
    * `_loop`, `_is_done`: where the host waits for the end of the thread.
    * `_complaints`: the problems that were logged; each is logged once.
    """

    def __init__(self, observer: "RunObserver") -> None:
        self._observer = observer
        self._reports: SimpleQueue[Observation | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._is_done = asyncio.Event()
        self._complaints: set[str] = set()
        # A daemon: an observer that does not return must not keep the process.
        threading.Thread(
            target=self._deliver, name="automation-host-observer", daemon=True
        ).start()

    def put(self, observation: "Observation") -> None:
        if self._reports.qsize() < _MOST_WAITING:
            self._reports.put(observation)
        else:
            self._complain("is too slow and misses reports")

    async def close(self) -> None:
        self._reports.put(None)
        try:
            async with asyncio.timeout(_LAST_S):
                await self._is_done.wait()
        except TimeoutError:
            self._complain("did not end")

    def _deliver(self) -> None:
        while (observation := self._reports.get()) is not None:
            try:
                self._observer.observe(observation)
            except BaseException as error:  # noqa: BLE001 - a broken observer changes nothing for a run
                self._complain(f"failed: {type(error).__name__}")
        with suppress(RuntimeError):  # the loop is closed: this one came late
            self._loop.call_soon_threadsafe(self._is_done.set)

    def _complain(self, problem: str) -> None:
        if problem not in self._complaints:
            self._complaints.add(problem)
            _LOG.warning("An observer %s.", problem)


def _without_content(envelope: "EnvelopeDocument") -> Document:
    error = envelope["error"]
    facts: Document = {
        "run_id": envelope["run_id"],
        "connector": envelope["connector"],
        "action": envelope["action"],
        "version": envelope["version"],
        "status": envelope["status"],
        "usage": envelope["usage"],
        "attempts": envelope["attempts"],
        "started_at": envelope["started_at"],
        "duration_ms": envelope["duration_ms"],
        "meta": envelope["meta"],
        "warnings": [{"code": warning["code"]} for warning in envelope["warnings"]],
        "error": _facts_of_error(error) if error else None,
    }
    # The caller has the same usage, and may change it while an observer reads.
    return copy.deepcopy(facts)


def _facts_of_error(error: "ErrorDocument") -> Document:
    return {
        "code": error["code"],
        "retryable": error["retryable"],
        "effect": error["effect"],
        "retry_after": error["retry_after"],
        "resets_at": error["resets_at"],
        "http_status": error["http_status"],
        "provider_code": error["provider_code"],
        "request_id": error["request_id"],
        "repeatable": error["repeatable"],
        "cause": error["cause"],
    }


def _is_request(
    method: object, path: object, status: object, milliseconds: object
) -> bool:
    return (
        isinstance(method, str)
        and isinstance(path, str)
        and isinstance(status, int | None)
        and isinstance(milliseconds, int | float)
    )
