"""The models that an author can pick: what the old names stand for today, and the provider's own list."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from perplexity_connector.contract import (
    ActionContext,
    ConnectionStatus,
    ConnectorError,
    Effect,
    ErrorCode,
    Option,
    OptionsOrigin,
    OptionsPage,
    OptionsQuery,
    Secret,
)
from perplexity_connector.perplexity.actions.clock import seconds_left
from perplexity_connector.perplexity.actions.option_pages import window
from perplexity_connector.perplexity.forms.model_aliases import (
    named_options,
    well_known_options,
)
from perplexity_connector.perplexity.wire import (
    connection_status,
    language_models,
    provider_errors,
)
from perplexity_connector.perplexity.wire.client import Client

# A form is being non_blank in meanwhile; the settings' time-outs are made for long answers.
_SECONDS = 8.0
_LIFETIME_S = 900.0
_FAILURE_LIFETIME_S = 30.0

_ABOUT_THE_KEY = frozenset(
    {
        ErrorCode.INVALID_CREDENTIALS,
        ErrorCode.PERMISSION_DENIED,
        ErrorCode.QUOTA_EXHAUSTED,
        ErrorCode.RATE_LIMITED,
    }
)
_ANY_KEY = ""
_NOTES = {
    OptionsOrigin.STALE: "This list is from a while ago.",
    OptionsOrigin.SHIPPED: "This list came with the connector and is not complete.",
}


async def live_models(client: Client, ctx: ActionContext) -> Sequence[Option]:
    """The provider's own list of models. Free. Raises `ConnectorError`."""
    async with client.ask("GET", language_models.PATH, ctx) as answer:
        document = await answer.json()
        try:
            return language_models.found(document)
        except ValueError:
            raise provider_errors.provider_error(
                ErrorCode.INVALID_RESPONSE,
                effect=Effect.NONE,
                detail="no list of models",
                request_id=answer.request_id,
            ) from None


class _Failure(NamedTuple):
    until: float
    status: ConnectionStatus


class ModelOptions:
    """The models as options, from a copy of the provider's list that is renewed when it is old.

    One copy serves every key: the list is the same for all, and the documentation has it need no key. A failure that
    is about a key is remembered for that key alone, so that it keeps no other from asking; any other one for all.
    """

    def __init__(
        self, client: Client, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is asked for yet; `clock` gives seconds that only grow."""
        self._client = client
        self._clock = clock
        # Whoever waits here finds the copy that another has asked for, or the failure.
        self._asking = asyncio.Lock()
        self._copy: Sequence[Option] | None = None
        self._fresh_until = 0.0
        self._failures: dict[str, _Failure] = {}

    async def page(self, query: OptionsQuery, ctx: ActionContext) -> OptionsPage:
        """A page of models, aliases and presets first; from an old copy or what was shipped rather than not at all.

        Raises `ConnectorError` (`invalid_input`) for a limit or a cursor of no use.
        """
        wanted = window(query)
        trouble = await self._trouble(ctx)
        named = named_options()
        names = {option.value for option in named}
        models = well_known_options() if self._copy is None else self._copy
        found, cursor = wanted.of(
            [*named, *(option for option in models if option.value not in names)]
        )
        origin = self._origin(trouble)
        return OptionsPage(
            options=found,
            next_cursor=cursor,
            origin=origin,
            note=_note(origin, trouble),
        )

    def _origin(self, trouble: ConnectionStatus | None) -> OptionsOrigin:
        if trouble is None:
            return OptionsOrigin.LIVE
        return OptionsOrigin.SHIPPED if self._copy is None else OptionsOrigin.STALE

    async def _trouble(self, ctx: ActionContext) -> ConnectionStatus | None:
        """Why the copy could not be renewed; None when it is fresh."""
        try:
            async with asyncio.timeout(seconds_left(ctx)), self._asking:
                if self._copy is not None and self._clock() < self._fresh_until:
                    return None
                key = _fingerprint(ctx.connection)
                return self._remembered(key) or await self._renew(ctx, key)
        except TimeoutError:
            # The caller's deadline says nothing about the provider, and is not remembered.
            return connection_status.status_from_error(_late())

    async def _renew(self, ctx: ActionContext, key: str) -> ConnectionStatus | None:
        try:
            async with asyncio.timeout(_SECONDS):
                self._copy = await live_models(self._client, ctx)
        except TimeoutError:
            return self._remember(_late(), key)
        except ConnectorError as error:
            return self._remember(error, key)
        self._fresh_until = self._clock() + _LIFETIME_S
        return None

    def _remembered(self, key: str) -> ConnectionStatus | None:
        now = self._clock()
        self._failures = {
            whose: failure
            for whose, failure in self._failures.items()
            if now < failure.until
        }
        found = self._failures.get(key) or self._failures.get(_ANY_KEY)
        return found.status if found else None

    def _remember(self, error: ConnectorError, key: str) -> ConnectionStatus:
        wait = max(_FAILURE_LIFETIME_S, min(error.retry_after or 0.0, _LIFETIME_S))
        status = connection_status.status_from_error(error)
        whose = key if error.code in _ABOUT_THE_KEY else _ANY_KEY
        self._failures[whose] = _Failure(self._clock() + wait, status)
        return status


def _late() -> ConnectorError:
    return provider_errors.provider_error(
        ErrorCode.TIMEOUT, effect=Effect.NONE, detail="the list of models"
    )


def _note(origin: OptionsOrigin, trouble: ConnectionStatus | None) -> str:
    return (
        ""
        if trouble is None
        else f"{_NOTES[origin]} {trouble.message} {trouble.next_step}"
    )


def _fingerprint(connection: Mapping[str, str | Secret]) -> str:
    given = connection.get("api_key", "")
    key = given.reveal() if isinstance(given, Secret) else given
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
