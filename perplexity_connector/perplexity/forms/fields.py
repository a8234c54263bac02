"""The shared parts of the two input forms: their base class, field types and filters."""

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from perplexity_connector.contract import FieldError, JsonObject, JsonValue
from perplexity_connector.contract.json import is_blank
from perplexity_connector.perplexity.forms.codes import COUNTRIES, LANGUAGES

# Signs without width that copied text may have: soft hyphen, zero width space and joiners, BOM.
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
# The address of a page or a site, with or without its scheme, port and path.
_ADDRESS = re.compile(
    r"(-?)(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@]*@)?(?:www\.)?"
    r"([a-z0-9-]+(?:\.[a-z0-9-]+)+)\.?(?::[0-9]*)?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)


class Form(BaseModel):
    """Base class of an object that an author fills in: closed, and strict about types.

    `None` means unset. Therefore JSON null is removed first (`without_blanks`), or its field refuses it.
    `withdrawn` has a hint for each parameter that Perplexity has withdrawn.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    withdrawn: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def conflicts(cls, values: JsonObject) -> Iterable[FieldError]:
        """Return the errors between fields. `values` has the fields that are valid by themselves."""
        del values
        return ()

    @classmethod
    def without_blanks(cls, values: JsonObject) -> JsonObject:
        """Return the values without the blanks that are not required, from the inside out.

        Items of lists stay, and so does everything in an object that is not a form.
        """
        required, inner_forms = _layout(cls)
        kept = {
            name: _prune(value, inner_forms.get(name)) for name, value in values.items()
        }
        return {
            name: value
            for name, value in kept.items()
            if name in required or not is_blank(value)
        }


class _Layout(NamedTuple):
    """The names of a form's required fields, and the forms inside its fields by name."""

    required: frozenset[str]
    inner_forms: Mapping[str, type[Form] | None]


@functools.cache
def _layout(form: type[Form]) -> _Layout:
    fields = {field.alias or name: field for name, field in form.model_fields.items()}
    required = frozenset(name for name in fields if fields[name].is_required())
    inner = {name: form_in(field.annotation) for name, field in fields.items()}
    return _Layout(required, inner)


def form_in(annotation: object) -> type[Form] | None:
    """Return the form in the type of a field, which may be optional, or a list of forms."""
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return annotation
    return next(filter(None, map(form_in, get_args(annotation))), None)


def _prune(value: JsonValue, form: type[Form] | None) -> JsonValue:
    if form is None:
        return value
    if isinstance(value, Mapping):
        return form.without_blanks(value)
    if not isinstance(value, list):
        return value
    return [
        form.without_blanks(item) if isinstance(item, Mapping) else item
        for item in value
    ]


def to_whole(value: object) -> object:
    """Return 5 for 5.0: JSON Schema counts it as an integer, strict pydantic does not."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _calendar_date(value: str) -> str:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            date.fromisoformat(value)
            return value
    except ValueError:
        pass
    kind, message = "date_format", "not an existing date"
    raise PydanticCustomError(kind, message)


def _not_blank(value: str) -> str:
    if all(sign.isspace() or sign in _INVISIBLE for sign in value):
        kind, message = "blank", "nothing to read"
        raise PydanticCustomError(kind, message)
    return value


def _known_country(value: str) -> str:
    if value not in COUNTRIES:
        kind, message = "unknown_country", "not a country code"
        raise PydanticCustomError(kind, message)
    return value


def _known_language(value: str) -> str:
    if value not in LANGUAGES:
        kind, message = "unknown_language", "not a language code"
        raise PydanticCustomError(kind, message)
    return value


def _only_domain(value: str, check: ValidatorFunctionWrapHandler) -> str:
    """Return a domain. The error for an address names the domain in it, and no other part of it."""
    try:
        domain: str = check(value)
    except ValidationError:
        # A value of another type has no address.
        address = _ADDRESS.fullmatch(value.strip()) if isinstance(value, str) else None
        if address is None:
            raise
        kind, message = "address", "not only a domain"
        parts = {"domain": "".join(address.groups()).lower()}
        raise PydanticCustomError(kind, message, parts) from None
    return domain


# A text that must say something. The published schemas cannot demand this without refusing steps
# that they accepted before, so only the model does.
NOT_BLANK = AfterValidator(_not_blank)
# Last in an annotation, so that pydantic applies the bounds to the integer.
WHOLE = BeforeValidator(to_whole)
Number = Annotated[float, Field(allow_inf_nan=False)]
IsoDate = Annotated[
    str, AfterValidator(_calendar_date), Field(json_schema_extra={"format": "date"})
]
Recency = Literal["hour", "day", "week", "month", "year"]
# The pattern of the codes of countries and languages.
TWO_LETTERS = "^[A-Za-z]{2}$"
Size = Literal["low", "medium", "high"]
SearchType = Literal["web", "fast"]
# Texts with a pattern are stripped, because `$` in Python also matches before a final newline.
Country = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_upper=True, pattern=TWO_LETTERS, max_length=2
    ),
    AfterValidator(_known_country),
]
Language = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, pattern=TWO_LETTERS, max_length=2
    ),
    AfterValidator(_known_language),
]
Domain = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        pattern=r"^-?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
        max_length=254,
    ),
    WrapValidator(_only_domain),
    Field(
        title="Domain",
        description="A domain such as example.org, or -example.org to leave it out; no https://, up to 253 characters.",
    ),
]
Domains = Annotated[list[Domain], Field(max_length=20)]

# The filters that both actions have.
RecencyFilter = Annotated[
    Recency | None,
    Field(
        title="Search recency",
        description="Only pages published within this span; not together with publication dates.",
    ),
]
DomainFilter = Annotated[
    Domains | None,
    Field(
        title="Search domains",
        description="Up to 20 domains to search, or up to 20 to leave out, each with a leading -; not both kinds.",
    ),
]
PublishedAfter = Annotated[
    IsoDate | None,
    Field(
        title="Published after",
        description="Only pages published on or after this date (YYYY-MM-DD); not together with search recency.",
    ),
]
PublishedBefore = Annotated[
    IsoDate | None,
    Field(
        title="Published before",
        description="Only pages published on or before this date (YYYY-MM-DD); not together with search recency.",
    ),
]
UpdatedAfter = Annotated[
    IsoDate | None,
    Field(
        title="Updated after",
        description="Only pages updated on or after this date (YYYY-MM-DD).",
    ),
]
UpdatedBefore = Annotated[
    IsoDate | None,
    Field(
        title="Updated before",
        description="Only pages updated on or before this date (YYYY-MM-DD).",
    ),
]


def optional_field(title: str, description: str, **more: Any) -> Any:
    """Declare an optional field with its label and one sentence about it.

    `more` is passed to pydantic's `Field`.
    """
    return Field(default=None, title=title, description=description, **more)


def search_conflicts(values: JsonObject) -> Iterable[FieldError]:
    """Return the errors between the search filters that both actions have."""
    yield from _mixed_domains(values)
    yield from _recency_beside_dates(values)
    published = ("search_after_date_filter", "search_before_date_filter")
    yield from _empty_span(values, "Published", *published)
    updated = ("last_updated_after_filter", "last_updated_before_filter")
    yield from _empty_span(values, "Updated", *updated)


def errors_at(names: Iterable[str], code: str, message: str) -> Iterable[FieldError]:
    """Return the same error at each of these fields."""
    return [
        FieldError(pointer=f"/{name}", code=code, message=message) for name in names
    ]


def _mixed_domains(values: JsonObject) -> Iterable[FieldError]:
    domains = values.get("search_domain_filter")
    denials = (
        {str(domain).strip().startswith("-") for domain in domains}
        if isinstance(domains, list)
        else set()
    )
    if len(denials) > 1:
        message = "Either name the domains to search, or name those to leave out, each with a leading -; not both."
        yield from errors_at(["search_domain_filter"], "conflict", message)


def _recency_beside_dates(values: JsonObject) -> Iterable[FieldError]:
    dates = [
        name
        for name in ("search_after_date_filter", "search_before_date_filter")
        if values.get(name)
    ]
    if dates and values.get("search_recency_filter"):
        message = (
            "Use either Search recency, or Published after and Published before. "
            "Clear the other."
        )
        yield from errors_at(["search_recency_filter", *dates], "conflict", message)


def _empty_span(
    values: JsonObject, event: str, after: str, before: str
) -> Iterable[FieldError]:
    start, end = values.get(after), values.get(before)
    if isinstance(start, str) and isinstance(end, str) and end and start > end:
        message = f"{event} after must not be later than {event} before."
        yield from errors_at([after, before], "conflict", message)
