"""The one pooled client: the only I/O of the connector, over the network of `transport`.

It is not an `httpx.AsyncClient`: that would follow redirects and keep cookies, which must not happen
here, and it logs the head of every response.
"""

import asyncio
import json
import re
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from perplexity_connector.contract import (
    ActionContext,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
    JsonValue,
    Secret,
)
from perplexity_connector.contract.version import PRODUCT, own_version
from perplexity_connector.perplexity.wire import provider_errors
from perplexity_connector.perplexity.wire.bearer import bearer
from perplexity_connector.perplexity.wire.endpoint import Endpoint
from perplexity_connector.perplexity.wire.error_table import (
    UNTRUSTED_CERTIFICATE,
)
from perplexity_connector.perplexity.wire.exchange import (
    Answer,
    BrokenError,
    Network,
    NotSentError,
    Request,
    UntrustedCertificateError,
)
from perplexity_connector.perplexity.wire.idle_timeout import IdleTimeout
from perplexity_connector.perplexity.wire.provider_errors import UnsentError
from perplexity_connector.perplexity.wire.provider_json import read_json
from perplexity_connector.perplexity.wire.rate_headers import (
    rate_limit_from_headers,
    retry_after_from_headers,
)
from perplexity_connector.perplexity.wire.sse import (
    BOM,
    USUAL,
    EventDecoder,
    Received,
    ServerEvent,
    without_bom,
)
from perplexity_connector.perplexity.wire.transport import network
from perplexity_connector.perplexity.wire.unpacking import Unpacker

if TYPE_CHECKING:
    import httpx

# No real answer and no event of a stream is larger. A larger one is not read to its end.
MAX_BODY = 16 * 1024 * 1024
_MAX_REFUSAL = 64 * 1024
_REFUSAL_SECONDS = 5.0
_DRAIN_SECONDS = 0.25
# Plain ASCII, so that a lone surrogate in an author's text cannot break the encoding.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_Permit: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]


class StreamingResponse:
    """A successful response whose body is still arriving.

    * `request_id`: the provider's id of the request, which its support asks for.
    * `_timer`: limits the wait for each chunk.
    * `_size`: how many unpacked bytes have arrived: of a plain body in all, of a stream since its
      last event.
    """

    def __init__(self, answer: Answer, timer: IdleTimeout) -> None:
        """Wrap an answer whose headers have arrived; the caller closes `timer`."""
        self._answer = answer
        self._timer = timer
        self._size = 0
        self.request_id = provider_errors.request_id(answer.headers)

    async def json(self) -> JsonValue:
        """Return the body as JSON.

        Raises `ConnectorError` when it breaks off, is too large, or is not JSON.
        """
        body = b"".join([chunk async for chunk in self._chunks()])
        try:
            return read_json(without_bom(body))
        except ValueError:
            raise self._unreadable(detail="the body is not JSON") from None

    async def events(
        self, usual: re.Pattern[bytes] = USUAL
    ) -> AsyncGenerator[Sequence[Received], None]:
        """Yield the events of the body as they arrive, in groups; a plain JSON body is one event.

        `usual` is the form of the events that are read in one step (`EventDecoder`).
        Raises `ConnectorError` when it breaks off, is silent for too long, too large, or HTML.
        """
        chunks = self._chunks()
        first = await self._beginning(chunks)
        # A gateway that buffers streams answers with the plain body, under any content type.
        if first.startswith(b"{"):
            body = b"".join([first, *[chunk async for chunk in chunks]])
            yield [ServerEvent("", body)]
            return
        decoder = EventDecoder(usual)
        if events := decoder.feed(first):
            self._size = 0
            yield events
        del first, events
        async for chunk in chunks:
            if events := decoder.feed(chunk):
                self._size = 0
                yield events
            del chunk, events
        yield decoder.close()

    async def drain(self) -> None:
        """Read the rest after the last event, if it is there at once, so that the connection is kept."""
        with suppress(TimeoutError, BrokenError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while await self._answer.read():
                    pass

    async def _beginning(self, chunks: AsyncIterator[bytes]) -> bytes:
        """Return the first bytes, without a byte order mark and blanks before them.

        Raises `ConnectorError` for a page of HTML; an event stream may be called HTML too.
        """
        first = b""
        async for chunk in chunks:
            # Some proxies send blank lines before the body, to keep the connection open.
            first = without_bom(first + chunk)
            if not BOM.startswith(first):
                break
        content_type = self._answer.headers.get("content-type", "")
        is_called_html = "html" in content_type.lower()
        if is_called_html and first.startswith(b"<"):
            raise self._unreadable(detail="a page of HTML")
        return first

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives, unpacked, up to `MAX_BODY` bytes."""
        unpacker = self._unpacker()
        while packed := await self._next():
            for chunk in self._unpacked(unpacker, packed):
                yield chunk
                # Release it before the next wait, here and above: a waiting stream holds no data.
                del chunk
            del packed
        if rest := unpacker.close():
            yield rest

    def _unpacker(self) -> Unpacker:
        try:
            return Unpacker(self._answer.headers.get("content-encoding", ""))
        except ValueError:
            raise self._unreadable(
                detail="an encoding that was not asked for"
            ) from None

    def _unpacked(self, unpacker: Unpacker, packed: bytes) -> Iterable[bytes]:
        is_empty = True
        try:
            for chunk in unpacker.feed(packed):
                is_empty = False
                self._count(chunk)
                yield chunk
        except ValueError:
            raise self._unreadable(detail="a damaged body") from None
        if is_empty:
            self._count(packed)  # so that endless packing of nothing has an end, too

    def _count(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > MAX_BODY:
            raise self._unreadable(detail="too large")

    async def _next(self) -> bytes:
        try:
            with self._timer:
                return await self._answer.read()
        except TimeoutError:
            raise self._failed(ErrorCode.TIMEOUT, "the answer stalled") from None
        except BrokenError as error:
            raise self._failed(ErrorCode.UNAVAILABLE, f"broken off: {error}") from None

    def _unreadable(self, detail: str) -> ConnectorError:
        return self._failed(ErrorCode.INVALID_RESPONSE, detail)

    def _failed(self, code: ErrorCode, detail: str) -> ConnectorError:
        return provider_errors.provider_error(
            code,
            effect=Effect.UNKNOWN,
            detail=detail,
            http_status=self._answer.status,
            request_id=self.request_id,
        )


class Client:
    """Send requests to one endpoint, for any number of keys, over one pool of connections.

    An async context manager.

    * `_transport`: what a test sends over in the place of the network, if any.
    * `_opened`: the network in use; None before the client is entered.
    * `_headers`: the headers that all requests have.
    """

    def __init__(
        self, endpoint: Endpoint, transport: "httpx.AsyncBaseTransport | None" = None
    ) -> None:
        """Send to `endpoint`; `transport` replaces the network in tests."""
        self._endpoint = endpoint
        self._transport = transport
        self._opened: Network | None = None
        self._headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": f"{PRODUCT}/{own_version()}",
            "x-pplx-integration": PRODUCT,
        }

    async def __aenter__(self) -> Self:
        """Open the pool."""
        self._opened = self._network()
        # Its libraries are imported now. Later, a run that is stopped meanwhile would be in doubt.
        await self._opened.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the pool."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.aclose()

    def _network(self) -> Network:
        connect_timeout = self._endpoint.connect_timeout
        if self._transport is None:
            return network(self._endpoint.base_url, connect_timeout)
        from perplexity_connector.perplexity.wire.httpx_network import (  # noqa: PLC0415 - a test's
            HttpxNetwork,
        )

        return HttpxNetwork(self._transport, connect_timeout)

    @asynccontextmanager
    async def ask(
        self,
        method: str,
        path: str,
        ctx: ActionContext,
        body: JsonObject | None = None,
        permit: _Permit | None = None,
    ) -> AsyncIterator[StreamingResponse]:
        """Yield the response to one request, as soon as its headers arrive. Nothing is repeated.

        `permit` takes the place of the context's. Raises `ConnectorError`: `effect` is `none` when
        the request was not sent or was refused.
        """
        request = self._request(method, path, ctx, body)
        timer = IdleTimeout(self._endpoint.first_byte_timeout)
        answer, response = None, None
        # A cancellation can arrive while the permit is given back.
        try:
            async with (permit or ctx.permit)():
                answer = await self._first_byte(request, path, ctx, timer)
                # Inside the permit, so that the next request starts with the new limit.
                _observe(ctx, answer)
            await _require_success(answer, body)
            # The same timer goes on, for each wait that follows.
            timer.allow(self._endpoint.idle_timeout)
            response = StreamingResponse(answer, timer)
            del request, body  # a waiting stream holds no data
            yield response
        except ConnectorError as error:
            # The body of a 200 can be a refusal as well.
            if response is not None and error.code is ErrorCode.RATE_LIMITED:
                ctx.observe_refusal(error.retry_after)
            raise
        finally:
            timer.close()
            if answer is not None:
                await answer.aclose()

    def _request(
        self, method: str, path: str, ctx: ActionContext, body: JsonObject | None
    ) -> Request:
        content = b"" if body is None else _ENCODER.encode(body).encode()
        # The headers are not a variable: a crash reporter would print it.
        return Request(
            method,
            f"{self._endpoint.base_url}{path}",
            self._headers_of_request(ctx.connection, content),
            content,
        )

    def _headers_of_request(
        self, credentials: Mapping[str, str | Secret], content: bytes
    ) -> Mapping[str, str]:
        length = str(len(content))
        about_body = {"content-type": "application/json", "content-length": length}
        return {
            **self._headers,
            "authorization": bearer(credentials),
            **(about_body if content else {}),
        }

    async def _first_byte(
        self, request: Request, path: str, ctx: ActionContext, timer: IdleTimeout
    ) -> Answer:
        if self._opened is None:
            message = "the connector is an async context manager: enter it before running an action"
            raise RuntimeError(message)
        began = time.monotonic()
        status = None
        try:
            with timer:
                answer = await self._opened.send(request)
            status = answer.status
        except TimeoutError:
            raise provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=Effect.UNKNOWN, detail="no first byte"
            ) from None
        except UntrustedCertificateError:
            raise UnsentError(
                ErrorCode.UNAVAILABLE, UNTRUSTED_CERTIFICATE, retryable=False
            ) from None
        except NotSentError as error:
            raise _unavailable(Effect.NONE, "not connected", error) from None
        except BrokenError as error:
            raise _unavailable(Effect.UNKNOWN, "broken after sending", error) from None
        finally:
            milliseconds = (time.monotonic() - began) * 1000
            ctx.observe_request(request.method, path, status, milliseconds)
        return answer


def _observe(ctx: ActionContext, answer: Answer) -> None:
    limit = rate_limit_from_headers(answer.headers)
    ctx.observe_limit(*limit)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        retry_after = retry_after_from_headers(answer.headers, limit.resets_at)
        ctx.observe_refusal(retry_after)


def _unavailable(effect: Effect, state: str, error: Exception) -> ConnectorError:
    return provider_errors.provider_error(
        ErrorCode.UNAVAILABLE, effect=effect, detail=f"{state}: {error}"
    )


async def _require_success(answer: Answer, sent: JsonObject | None) -> None:
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise provider_errors.error_from_response(
            answer.status, answer.headers, await _refusal(answer), sent
        )


async def _refusal(answer: Answer) -> bytes:
    """Read the start of a refusal's body; if it breaks off, return the part that arrived."""
    body = b""
    try:
        unpacker = Unpacker(answer.headers.get("content-encoding", ""))
        async with asyncio.timeout(_REFUSAL_SECONDS):
            while packed := await answer.read():
                for chunk in unpacker.feed(packed):
                    body += chunk
                    if len(body) > _MAX_REFUSAL:
                        return body
    except (TimeoutError, BrokenError, ValueError):
        pass
    return without_bom(body)
