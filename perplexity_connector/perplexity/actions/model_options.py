"""List the models that an author can pick: old names, presets, pins, and the provider's own list."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from perplexity_connector.contract import (
    ActionContext,
    ConnectionStatus,
    ConnectorError,
    Effect,
    ErrorCode,
    OptionsOrigin,
    OptionsPage,
    OptionsQuery,
    Secret,
)
from perplexity_connector.perplexity.actions.option_pages import window_of
from perplexity_connector.perplexity.forms.model_choices import choices
from perplexity_connector.perplexity.wire import (
    connection_status,
    language_models,
    provider_errors,
)
from perplexity_connector.perplexity.wire.client import Client

# A user waits in front of a form. The time-outs of the settings are meant for long answers.
_SECONDS = 8.0
_LIFETIME_S = 900.0
_FAILURE_LIFETIME_S = 30.0

_KEY_RELATED = frozenset(
    {
        ErrorCode.INVALID_CREDENTIALS,
        ErrorCode.PERMISSION_DENIED,
        ErrorCode.QUOTA_EXHAUSTED,
        ErrorCode.RATE_LIMITED,
    }
)
# The key of `ModelOptions._failures` for failures that concern all keys.
_ANY_KEY = ""
_NOTES = {
    OptionsOrigin.STALE: "This list is from a while ago.",
    OptionsOrigin.SHIPPED: "This list came with the connector and is not complete.",
}


async def live_prices(client: Client, ctx: ActionContext) -> Mapping[str, str]:
    """Return the provider's own list of models, each with its price. Free. Raises `ConnectorError`."""
    async with client.ask("GET", language_models.PATH, ctx) as answer:
        document = await answer.json()
        try:
            return language_models.prices_from_answer(document)
        except ValueError:
            raise provider_errors.provider_error(
                ErrorCode.INVALID_RESPONSE,
                effect=Effect.NONE,
                detail="no list of models",
                request_id=answer.request_id,
            ) from None


class _Failure(NamedTuple):
    expires_at: float
    status: ConnectionStatus


class ModelOptions:
    """Options for the model field, from a cached copy of the provider's list.

    One copy serves all keys: the list is the same for all. Key-related failures are cached per key;
    all other failures are cached for everybody.

    * `_lock`: held during a request, so that others wait and then use its copy or its failure.
    * `_copy`: the latest list; None before the first one.
    * `_fresh_until`: when the copy is renewed, on `_clock`.
    * `_failures`: cached failures, by fingerprint of the key, or by `_ANY_KEY`.
    """

    def __init__(
        self, client: Client, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin without a copy; `clock` gives monotonic seconds."""
        self._client = client
        self._clock = clock
        self._lock = asyncio.Lock()
        self._copy: Mapping[str, str] | None = None
        self._fresh_until = 0.0
        self._failures: dict[str, _Failure] = {}

    async def page(self, query: OptionsQuery, ctx: ActionContext) -> OptionsPage:
        """Return a page of models; aliases, presets and pins come first.

        Without a fresh list the page is made from an old copy, or from the list that was shipped.
        Raises `ConnectorError` (`invalid_input`) for a wrong limit or cursor.
        """
        window = window_of(query)
        failure = await self._refresh(ctx)
        options, cursor = window.cut(choices(self._copy))
        origin = self._origin(failure)
        note = _note(origin, failure) if failure else ""
        return OptionsPage(
            options=options, next_cursor=cursor, origin=origin, note=note
        )

    def _origin(self, failure: ConnectionStatus | None) -> OptionsOrigin:
        if failure is None:
            return OptionsOrigin.LIVE
        return OptionsOrigin.SHIPPED if self._copy is None else OptionsOrigin.STALE

    async def _refresh(self, ctx: ActionContext) -> ConnectionStatus | None:
        """Renew the copy if it is old. Return the failure, or None if the copy is fresh."""
        try:
            async with asyncio.timeout(ctx.seconds_left()), self._lock:
                if self._copy is not None and self._clock() < self._fresh_until:
                    return None
                key = _fingerprint(ctx.connection)
                return self._cached_failure(key) or await self._renew(ctx, key)
        except TimeoutError:
            # The caller's deadline says nothing about the provider, so it is not cached.
            return connection_status.status_from_error(_late())

    async def _renew(self, ctx: ActionContext, key: str) -> ConnectionStatus | None:
        try:
            async with asyncio.timeout(_SECONDS):
                self._copy = await live_prices(self._client, ctx)
        except TimeoutError:
            return self._cache_failure(_late(), key)
        except ConnectorError as error:
            return self._cache_failure(error, key)
        self._fresh_until = self._clock() + _LIFETIME_S
        return None

    def _cached_failure(self, key: str) -> ConnectionStatus | None:
        now = self._clock()
        self._failures = {
            owner: failure
            for owner, failure in self._failures.items()
            if now < failure.expires_at
        }
        found = self._failures.get(key) or self._failures.get(_ANY_KEY)
        return found.status if found else None

    def _cache_failure(self, error: ConnectorError, key: str) -> ConnectionStatus:
        wait = max(_FAILURE_LIFETIME_S, min(error.retry_after or 0.0, _LIFETIME_S))
        status = connection_status.status_from_error(error)
        owner = key if error.code in _KEY_RELATED else _ANY_KEY
        self._failures[owner] = _Failure(self._clock() + wait, status)
        return status


def _late() -> ConnectorError:
    return provider_errors.provider_error(
        ErrorCode.TIMEOUT, effect=Effect.NONE, detail="the list of models"
    )


def _note(origin: OptionsOrigin, failure: ConnectionStatus) -> str:
    return f"{_NOTES[origin]} {failure.message} {failure.next_step}"


def _fingerprint(connection: Mapping[str, str | Secret]) -> str:
    given = connection.get("api_key", "")
    key = given.reveal() if isinstance(given, Secret) else given
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
