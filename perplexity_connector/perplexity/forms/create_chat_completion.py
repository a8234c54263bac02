"""The input form of Create Chat Completion, and the rules between its fields."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.contract.readers import as_object, as_objects
from perplexity_connector.perplexity.forms.author_schema import problem_with
from perplexity_connector.perplexity.forms.fields import (
    NOT_BLANK,
    WHOLE,
    Country,
    DomainFilter,
    Form,
    Language,
    Number,
    PublishedAfter,
    PublishedBefore,
    RecencyFilter,
    Size,
    UpdatedAfter,
    UpdatedBefore,
    errors_at,
    optional_field,
    search_conflicts,
)
from perplexity_connector.perplexity.forms.model_aliases import (
    NEEDS_MAX_TOKENS,
    replacement_for,
)

_NO_EQUIVALENT = "Perplexity withdrew this parameter with the old chat API. Remove it."
_TYPE = "response_format/type"
_JSON_SCHEMA = "response_format/json_schema"
_SCHEMA = f"{_JSON_SCHEMA}/schema"
_EXAMPLE_MESSAGES: list[JsonValue] = [
    {"role": "user", "content": "How far away is the Moon?"}
]

SchemaName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, pattern="^[A-Za-z0-9_-]{1,64}$", max_length=64
    ),
]


class Message(Form):
    """One message of the conversation."""

    # Several hosts fill in the first choice, and a system message alone is refused.
    role: Literal["user", "system", "assistant"] = Field(
        title="Role",
        description="Who speaks: System sets the rules, User asks, Assistant is an earlier answer.",
    )
    content: Annotated[str, NOT_BLANK] = Field(
        title="Content",
        description="The text of the message; not only spaces.",
        min_length=1,
    )


class UserLocation(Form):
    """Where the person asking is."""

    country: Country | None = optional_field(
        "Country",
        "Two-letter country code (ISO 3166-1); needed when a position is given.",
        examples=["US"],
    )
    region: str | None = optional_field(
        "Region",
        "State or region, up to 100 characters.",
        max_length=100,
        examples=["California"],
    )
    city: str | None = optional_field(
        "City",
        "City, up to 100 characters.",
        max_length=100,
        examples=["San Francisco"],
    )
    latitude: Number | None = optional_field(
        "Latitude",
        "Degrees north, -90 to 90; give the longitude and the country too.",
        ge=-90,
        le=90,
    )
    longitude: Number | None = optional_field(
        "Longitude",
        "Degrees east, -180 to 180; give the latitude and the country too.",
        ge=-180,
        le=180,
    )


class WebSearchOptions(Form):
    """How the web is searched for an answer."""

    search_context_size: Size | None = optional_field(
        "Search context size",
        "How much of each page is read: more costs more and may answer better.",
    )
    user_location: UserLocation | None = optional_field(
        "User location", "Where the person asking is, for local answers."
    )


class JsonSchemaFormat(Form):
    """The JSON Schema of a structured answer."""

    name: SchemaName | None = optional_field(
        "Schema name",
        "A name for the schema, 1 to 64 letters, digits, - or _.",
        examples=["answer"],
    )
    schema_: dict[str, Any] | None = optional_field(
        "Schema",
        "A JSON Schema that the answer must follow; its root is an object, and references may only point inside it.",
        alias="schema",
    )
    strict: bool | None = optional_field(
        "Strict", "Whether the model must follow the schema exactly."
    )
    description: str | None = optional_field(
        "Description",
        "The purpose of the schema, for the model; up to 1,000 characters.",
        max_length=1000,
        examples=["A distance in kilometres."],
    )


class ResponseFormat(Form):
    """The form of the answer."""

    type: Literal["text", "json_schema"] | None = optional_field(
        "Type",
        "Text, or JSON that follows the schema given below.",
        examples=["json_schema"],
    )
    json_schema: JsonSchemaFormat | None = optional_field(
        "JSON Schema",
        "The schema of a structured answer; only with the type JSON Schema.",
    )


class ChatInput(Form):
    """Ask a question and get an answer grounded in a live web search, with numbered sources."""

    model_config = ConfigDict(
        title="Create Chat Completion",
        json_schema_extra={
            "examples": [
                {"model": "sonar-pro", "messages": _EXAMPLE_MESSAGES},
                {
                    "model": "sonar-pro",
                    "messages": [
                        {"role": "system", "content": "Answer in one sentence."},
                        *_EXAMPLE_MESSAGES,
                    ],
                    "stream": True,
                    "max_tokens": 1000,
                    "temperature": 0.2,
                    "top_p": 0.9,
                    "reasoning_effort": "low",
                    "search_domain_filter": ["moon.example", "atlas.example"],
                    "search_after_date_filter": "2020-01-01",
                    "search_before_date_filter": "2026-12-31",
                    "last_updated_after_filter": "2020-01-01",
                    "last_updated_before_filter": "2026-12-31",
                    "web_search_options": {
                        "search_context_size": "low",
                        "user_location": {
                            "country": "US",
                            "region": "California",
                            "city": "San Francisco",
                            "latitude": 37.77,
                            "longitude": -122.42,
                        },
                    },
                    "language_preference": "en",
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {
                            "name": "distance",
                            "schema": {
                                "type": "object",
                                "properties": {"kilometres": {"type": "number"}},
                                "required": ["kilometres"],
                            },
                        },
                    },
                },
            ]
        },
    )

    withdrawn: ClassVar[Mapping[str, str]] = {
        "top_k": _NO_EQUIVALENT,
        "presence_penalty": _NO_EQUIVALENT,
        "frequency_penalty": _NO_EQUIVALENT,
        "stop": _NO_EQUIVALENT,
        "n": _NO_EQUIVALENT,
        "stream_mode": "Perplexity withdrew this parameter. Remove it; streaming needs `stream` alone.",
        "search_mode": "Perplexity withdrew this parameter. Remove it; search_domain_filter may serve instead.",
        "disable_search": "Perplexity withdrew this parameter. Remove it: every answer is grounded in a search now.",
        "enable_search_classifier": _NO_EQUIVALENT,
        "return_images": _NO_EQUIVALENT,
        "return_videos": _NO_EQUIVALENT,
        "return_related_questions": _NO_EQUIVALENT,
        "image_format_filter": _NO_EQUIVALENT,
        "image_domain_filter": _NO_EQUIVALENT,
        "media_response": _NO_EQUIVALENT,
        "safe_search": _NO_EQUIVALENT,
        "search_language_filter": "Perplexity withdrew this parameter. Remove it and use language_preference instead.",
    }

    model: Annotated[str, NOT_BLANK] = Field(
        title="Model",
        description=(
            "The model that answers: sonar, sonar-pro, sonar-reasoning-pro or sonar-deep-research, a preset "
            "(fast, low, medium, high, xhigh), or provider/model; up to 200 characters."
        ),
        min_length=1,
        max_length=200,
        examples=[
            "sonar-pro",
            "sonar",
            "sonar-reasoning-pro",
            "sonar-deep-research",
            "perplexity/sonar",
        ],
    )
    messages: list[Message] = Field(
        title="Messages",
        description=(
            "The conversation, at least one message: system messages first if any, then user and assistant take turns, "
            "and the last one is the user's question."
        ),
        min_length=1,
    )
    stream: bool = Field(
        default=False,
        title="Stream",
        description="Show the answer as it is written, where the host can.",
    )
    max_tokens: Annotated[int, Field(ge=16), WHOLE] | None = optional_field(
        "Maximum tokens",
        "The most tokens the answer may have, at least 16; models whose name begins with anthropic/ need it.",
        examples=[1000],
    )
    temperature: Number | None = optional_field(
        "Temperature",
        "How freely the answer is worded, 0 to 2; reasoning models ignore it.",
        ge=0,
        le=2,
        examples=[0.2],
    )
    top_p: Number | None = optional_field(
        "Top P",
        "The share of likely words to choose from, 0 to 1; reasoning models ignore it.",
        ge=0,
        le=1,
        examples=[0.9],
    )
    reasoning_effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = (
        optional_field(
            "Reasoning effort", "How long the model may think; more costs more."
        )
    )
    search_recency_filter: RecencyFilter = None
    search_domain_filter: DomainFilter = None
    search_after_date_filter: PublishedAfter = None
    search_before_date_filter: PublishedBefore = None
    last_updated_after_filter: UpdatedAfter = None
    last_updated_before_filter: UpdatedBefore = None
    web_search_options: WebSearchOptions | None = optional_field(
        "Web search options", "How the web is searched."
    )
    language_preference: Language | None = optional_field(
        "Language",
        "Two-letter code (ISO 639-1) of the language to prefer for the answer.",
        examples=["en"],
    )
    response_format: ResponseFormat | None = optional_field(
        "Response format", "Plain text, or JSON that follows a schema of yours."
    )

    @property
    def structure(self) -> JsonSchemaFormat | None:
        """What the answer must follow; None unless the author gave a schema."""
        given = self.response_format.json_schema if self.response_format else None
        return given if given and given.schema_ is not None else None

    @classmethod
    def conflicts(cls, values: JsonObject) -> Iterable[FieldError]:
        """Return the errors between fields: model, messages, filters, position, response format."""
        return chain(
            _model_problems(values),
            _order_problems(values),
            search_conflicts(values),
            _position_needs(values),
            _format_problems(values),
        )


def _model_problems(values: JsonObject) -> Iterable[FieldError]:
    model = str(values.get("model", "")).strip()
    if replacement := replacement_for(model):
        message = f"Perplexity has removed this model. Use {replacement} instead."
        yield from errors_at(["model"], "removed_model", message)
    if model.startswith(NEEDS_MAX_TOKENS) and "max_tokens" not in values:
        message = "Anthropic models need this field. Set it, for example to 1000."
        yield from errors_at(["max_tokens"], "needs", message)


def _order_problems(values: JsonObject) -> Iterable[FieldError]:
    messages = as_objects(values.get("messages"))
    roles = [str(message["role"]) for message in messages]
    previous = "system"
    for index, role in enumerate(roles):
        if problem := _order_problem(previous, role):
            yield from errors_at([f"messages/{index}/role"], "order", problem)
        previous = role
    if roles and previous != "user":
        problem = "The last message must be the user's. Add a user message at the end."
        yield from errors_at([f"messages/{len(roles) - 1}/role"], "order", problem)


def _order_problem(previous: str, role: str) -> str | None:
    if role == "system" and previous == "system":
        return None
    if role == "system":
        return "System messages must be first. Move this one to the top."
    if role == previous:
        return f"Two {role} messages in a row. Join them into one, or put the other side's message between them."
    if role == "assistant" and previous == "system":
        return "A conversation begins with a user message. Put one before this."
    return None


def _position_needs(values: JsonObject) -> Iterable[FieldError]:
    options = as_object(values.get("web_search_options"))
    location = as_object(options.get("user_location"))
    if not {"latitude", "longitude"} & location.keys():
        return ()
    names = ("latitude", "longitude", "country")
    missing = [name for name in names if name not in location]
    message = "A position needs latitude, longitude and country together. Fill this in, or clear the others."
    places = [f"web_search_options/user_location/{name}" for name in missing]
    return errors_at(places, "needs", message)


def _format_problems(values: JsonObject) -> Iterable[FieldError]:
    wanted = as_object(values.get("response_format"))
    structure = as_object(wanted.get("json_schema"))
    schema = structure.get("schema")
    kind = wanted.get("type")
    if kind == "text" and structure:
        message = "A schema goes with the type json_schema. Change the type, or clear the schema."
        yield from errors_at([_TYPE, _JSON_SCHEMA], "conflict", message)
    elif structure and not kind:
        message = "Set it to json_schema, because a schema is given."
        yield from errors_at([_TYPE], "needs", message)
    elif kind == "json_schema" and schema is None:
        message = "The type json_schema needs a schema."
        yield from errors_at([_SCHEMA], "needs", message)
    if isinstance(schema, Mapping) and (problem := problem_with(schema)):
        yield from errors_at([_SCHEMA], "bad_schema", problem)
