"""Errors as data: the cause, the possible effect at the provider, and the remedy."""

from collections.abc import Mapping, Sequence
from contextlib import ContextDecorator
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import partial as bind
from types import TracebackType
from typing import TYPE_CHECKING, cast

from perplexity_connector.contract.json import JsonObject

if TYPE_CHECKING:
    from perplexity_connector.contract.documents import ErrorDocument

__all__ = ["ConnectorError", "Effect", "ErrorCode", "ErrorRecord", "FieldError"]


class ErrorCode(StrEnum):
    """Every way a run can fail. Hosts branch on these; messages may change."""

    INVALID_INPUT = "invalid_input"
    INVALID_CREDENTIALS = "invalid_credentials"
    PERMISSION_DENIED = "permission_denied"
    QUOTA_EXHAUSTED = "quota_exhausted"
    UNSUPPORTED = "unsupported"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    UPSTREAM_FAILED = "upstream_failed"
    INVALID_RESPONSE = "invalid_response"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


RETRYABLE = frozenset(
    {ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}
)


class Effect(StrEnum):
    """Possible effect at the provider: `none` is certain, `unknown` may have cost money."""

    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One error of one field.

    `pointer` is a JSON Pointer into the input. `code` is the JSON Schema keyword that failed,
    `unknown_field`, or one of the connector's own codes (`conflict`, `order`, `needs`,
    `removed_model`, `bad_schema`, `blank`, `unknown_code`, `withdrawn`, `refused`, `exhausted`).
    `message` says what to do and never repeats the value.
    """

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """A `ConnectorError` as data: the `error` of an envelope.

    `repeatable`: a repeat may succeed, and cannot cost money twice if it gets the run's last
    checkpoint, if there is one, as `resume_from`. `repeat_after` says how long to wait. `cause` says
    where a code may mean two things: `budget` is a budget of the host's, not the provider's quota.
    """

    code: ErrorCode
    message: str
    user_message: str
    retryable: bool
    effect: Effect
    retry_after: float | None
    resets_at: float | None
    fields: Sequence[FieldError]
    partial: Mapping[str, object] | None
    http_status: int | None
    provider_code: str | None
    request_id: str | None
    docs_url: str | None
    repeatable: bool = False
    cause: str | None = None

    def to_dict(self) -> "ErrorDocument":
        """Return plain JSON as in `schemas/envelope.schema.json`, with every key present."""
        document = {name: getattr(self, name) for name in self.__slots__}
        problems = [asdict(problem) for problem in self.fields]
        document |= {
            "code": self.code.value,
            "effect": self.effect.value,
            "fields": problems,
        }
        return cast("ErrorDocument", document)


class ConnectorError(Exception):
    """A failed run, as an exception inside the process and as data (`to_dict`) outside it.

    `message` is for a developer's log, `user_message` for the person who runs the workflow. Neither
    holds a key, an input value or a provider's text. `fields` holds the errors of single fields:
    renderers list them below the message. `retry_after` is in seconds, `resets_at` in epoch
    seconds. `partial` is the output received before the failure. `usage` is the amounts used until
    then: the envelope shows them in its own `usage`, and `to_dict` leaves them out. `retryable`
    overrides the rule of the code: whether the failure may pass by itself. `cause` is `budget` where
    a host refuses a request for its own budget.
    """

    def __init__(  # noqa: PLR0913 - the contract's error has these parts; all but two are optional keywords
        self,
        code: ErrorCode,
        message: str,
        *,
        user_message: str | None = None,
        effect: Effect = Effect.NONE,
        retry_after: float | None = None,
        resets_at: float | None = None,
        fields: Sequence[FieldError] = (),
        partial: JsonObject | None = None,
        http_status: int | None = None,
        provider_code: str | None = None,
        request_id: str | None = None,
        docs_url: str | None = None,
        usage: JsonObject | None = None,
        retryable: bool | None = None,
        cause: str | None = None,
    ) -> None:
        """Describe the failure. Omit a part that is unknown or does not apply."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.user_message = user_message or message
        self.effect = effect
        self.retry_after = retry_after
        self.resets_at = resets_at
        self.fields = tuple(fields)
        self.partial = partial
        self.http_status = http_status
        self.provider_code = provider_code
        self.request_id = request_id
        self.docs_url = docs_url
        self.usage = usage
        self._retryable = retryable
        self.cause = cause

    @property
    def retryable(self) -> bool:
        """Return whether the cause may pass by itself. Check `effect` too before a retry."""
        return self.code in RETRYABLE if self._retryable is None else self._retryable

    def __str__(self) -> str:
        """Return the message, and that of the first field."""
        first = self.fields[0] if self.fields else None
        if not isinstance(first, FieldError):
            return str(self.message)
        return f"{self.message} {first.pointer or 'The input'}: {first.message}"

    @property
    def repeatable(self) -> bool:
        """Return whether a repeat is harmless for any action. A host knows more, see `ErrorRecord`."""
        return self.retryable and self.effect is Effect.NONE

    def record(self) -> ErrorRecord:
        """Return the error as data, for an envelope."""
        return ErrorRecord(
            **{field.name: getattr(self, field.name) for field in fields(ErrorRecord)}
        )

    def to_dict(self) -> "ErrorDocument":
        """Return plain JSON with every key of `ErrorRecord`."""
        return self.record().to_dict()

    def __repr__(self) -> str:
        """Show the code, the effect and the HTTP status; never data that was sent or received."""
        effect, status = self.effect.value, self.http_status
        return f"ConnectorError(code={self.code.value!r}, {effect=!r}, http_status={status!r})"

    def __reduce__(self) -> tuple[object, tuple[ErrorCode, str]]:
        """Pickle every part: hosts that run steps in other processes return errors this way."""
        # By name: `add_note` and others add attributes that the constructor does not take.
        described = {field.name for field in fields(ErrorRecord)}
        names = {*described, "usage"} - {"code", "message", "repeatable"}
        parts: Mapping[str, object] = {name: getattr(self, name) for name in names}
        return (bind(ConnectorError, **parts), (self.code, self.message))  # type: ignore[arg-type]


class unchained(ContextDecorator):  # noqa: N801 - used as a function, and faster than a generator
    """Raise a `ConnectorError` of the block alone, without the exceptions that led to it.

    Their texts, their attributes and the variables of their frames may hold a key. `from None` only
    hides them.
    """

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the block."""
        if isinstance(error, ConnectorError):
            error.__cause__ = error.__context__ = None
