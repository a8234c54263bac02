"""The input form of Create Chat Completion. The rules between its fields are in `chat_rules.py`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.perplexity.forms.chat_rules import (
    LONGEST_IMAGES,
    chat_conflicts,
)
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
    SearchType,
    Size,
    UpdatedAfter,
    UpdatedBefore,
    optional_field,
)

_NO_EQUIVALENT = "Perplexity withdrew this parameter with the old chat API. Remove it."
_EXAMPLE_MESSAGES: list[JsonValue] = [
    {"role": "user", "content": "How far away is the Moon?"}
]

SchemaName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, pattern="^[A-Za-z0-9_-]{1,64}$", max_length=64
    ),
]

Image = Annotated[
    str,
    # Only its beginning is matched: JavaScript cannot match a class of signs over millions of them.
    StringConstraints(
        strip_whitespace=True,
        pattern=r"^(https://|data:image/(png|jpeg|webp|gif);base64,)\S",
        max_length=LONGEST_IMAGES,
    ),
    Field(
        title="Image",
        description="A PNG, JPEG, WebP or GIF image: its https address, or a data URL (data:image/png;base64,…).",
    ),
]
OwnName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[^/\s]+/\S+$", max_length=200),
    Field(
        title="Model",
        description="A model written provider/model, such as openai/gpt-6-luna; up to 200 characters.",
    ),
]
Tool = Annotated[
    Literal["fetch_url", "finance_search"],
    Field(
        title="Tool",
        description="Read pages opens pages that the model chooses; Finance looks up prices and figures of companies.",
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
    images: Annotated[list[Image], Field(max_length=10)] | None = optional_field(
        "Images",
        "Up to 10 images beside the text, with the role User only; at most 32 MiB over all messages.",
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
    search_type: SearchType | None = optional_field(
        "Search type",
        "Web is thorough, about 0.25 US cents a search; Fast is quicker, about 0.1 US cents a search.",
    )
    max_results: Annotated[int, Field(ge=1, le=50), WHOLE] | None = optional_field(
        "Maximum results", "The most results of each search, 1 to 50.", examples=[10]
    )
    max_tokens: Annotated[int, Field(ge=1), WHOLE] | None = optional_field(
        "Maximum tokens of a search",
        "The most text over all results of a search, in tokens.",
        examples=[10000],
    )
    max_tokens_per_page: Annotated[int, Field(ge=1), WHOLE] | None = optional_field(
        "Maximum tokens per page",
        "The most text from any one page, in tokens.",
        examples=[1024],
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
                    "model": "perplexity/sonar",
                    "messages": [
                        {"role": "system", "content": "Answer in one sentence."},
                        {
                            "role": "user",
                            "content": "How far away is the moon in this picture?",
                            "images": ["https://moon.example/moon.jpg"],
                        },
                    ],
                    "stream": True,
                    "search": "always",
                    "max_tokens": 1000,
                    "temperature": 0.2,
                    "top_p": 0.9,
                    "reasoning_effort": "low",
                    "max_steps": 5,
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
                        "search_type": "web",
                        "max_results": 10,
                        "max_tokens": 10000,
                        "max_tokens_per_page": 1024,
                    },
                    "tools": ["fetch_url", "finance_search"],
                    "fallback_models": ["openai/gpt-6-luna"],
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
        "disable_search": "Perplexity withdrew this parameter. Use `search: never`.",
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
            "(fast, low, medium, high, xhigh, wide-research) or one version of it such as fast@2026-10-16.0, "
            "the id of your own profile (profile_…), or any model written provider/model, such as "
            "openai/gpt-6-luna; up to 200 characters."
        ),
        min_length=1,
        max_length=200,
        # Before a flow runs, the first and the last of them are tried in place of a value that is
        # not known yet. So they are of two kinds, each with other rules.
        examples=[
            "sonar-pro",
            "sonar",
            "sonar-reasoning-pro",
            "sonar-deep-research",
            "wide-research",
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
    search: Literal["always", "when_needed", "never"] | None = optional_field(
        "Web search",
        "Whether to search: always, when needed (as if unset), or never; with never, set no search filters or options.",
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
    reasoning_effort: (
        Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None
    ) = optional_field(
        "Reasoning effort", "How long the model may think; more costs more."
    )
    max_steps: Annotated[int, Field(ge=1, le=100), WHOLE] | None = optional_field(
        "Maximum steps",
        "The most steps of a run (search, reading, answer), 1 to 100; if unset, a model written provider/model has 1.",
        examples=[5],
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
    tools: (
        Annotated[list[Tool], Field(json_schema_extra={"uniqueItems": True})] | None
    ) = optional_field(
        "Tools",
        "Tools beside web search that the model may use; only with a model written provider/model.",
    )
    fallback_models: Annotated[list[OwnName], Field(max_length=4)] | None = (
        optional_field(
            "Fallback models",
            "Up to 4 models to try in this order if the chosen model fails; write that one as provider/model too.",
        )
    )
    previous_response_id: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None
    ) = optional_field(
        "Previous answer",
        "The id in the output of an earlier answer, so that you send only the new message; up to 200 characters.",
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
        """Return the errors between fields."""
        return chat_conflicts(values)
