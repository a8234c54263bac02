"""The input form of Execute Search, and the rules between its fields."""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.perplexity.forms.fields import (
    NOT_BLANK,
    WHOLE,
    Country,
    DomainFilter,
    Form,
    Language,
    PublishedAfter,
    PublishedBefore,
    RecencyFilter,
    SearchType,
    Size,
    UpdatedAfter,
    UpdatedBefore,
    optional_field,
    search_conflicts,
)

# Perplexity refuses a longer query (docs/provider.md, "Search").
_LONGEST_QUERY = 8192


def _not_too_long(query: str) -> str:
    # Not a bound of the schema: the published one has none, and may not become stricter.
    if len(query) > _LONGEST_QUERY:
        kind, message = "string_too_long", "longer than a query may be"
        raise PydanticCustomError(kind, message, {"max_length": _LONGEST_QUERY})
    return query


def _kind_of_query(value: object) -> str:
    return "several" if isinstance(value, list) else "single"


Query = Annotated[
    Annotated[
        str,
        Field(
            title="Single query",
            description="What to search for, 1 to 8,192 characters; not only spaces.",
            min_length=1,
        ),
        AfterValidator(_not_too_long),
        NOT_BLANK,
        Tag("single"),
    ]
    | Annotated[
        list[
            Annotated[
                str,
                Field(
                    title="Query",
                    description="What to search for, 1 to 8,192 characters; not only spaces.",
                    min_length=1,
                ),
                AfterValidator(_not_too_long),
                NOT_BLANK,
            ]
        ],
        Field(
            title="Several queries",
            description="One to 100 queries; each is searched and billed by itself.",
            min_length=1,
            max_length=100,
        ),
        Tag("several"),
    ],
    Discriminator(_kind_of_query),
]


class SearchInput(Form):
    """Search the web with one query or several and get ranked results."""

    model_config = ConfigDict(
        title="Execute Search",
        json_schema_extra={
            "examples": [
                {"query": "moon distance"},
                {
                    "query": ["moon distance", "jupiter moons"],
                    "max_results": 5,
                    "max_tokens": 10000,
                    "max_tokens_per_page": 1024,
                    "search_context_size": "low",
                    "search_type": "web",
                    "country": "US",
                    "search_domain_filter": ["moon.example", "atlas.example"],
                    "search_language_filter": ["en"],
                    "search_after_date_filter": "2020-01-01",
                    "search_before_date_filter": "2026-12-31",
                    "last_updated_after_filter": "2020-01-01",
                    "last_updated_before_filter": "2026-12-31",
                },
            ]
        },
    )

    withdrawn: ClassVar[Mapping[str, str]] = {
        "search_mode": "Perplexity withdrew this parameter. Remove it; search_domain_filter may serve instead.",
        "safe_search": "Perplexity withdrew this parameter. Remove it.",
    }

    query: Query = Field(
        title="Query",
        description="What to search for: one query, or a list of 1 to 100.",
    )
    max_results: Annotated[int, Field(ge=1, le=20), WHOLE] | None = optional_field(
        "Maximum results", "The most results for each query, 1 to 20.", examples=[5]
    )
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = (
        optional_field(
            "Maximum tokens",
            "The most text over all results of a query, 1 to 1,000,000 tokens.",
        )
    )
    max_tokens_per_page: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = (
        optional_field(
            "Maximum tokens per page",
            "The most text from any one page, 1 to 1,000,000 tokens.",
        )
    )
    search_context_size: Size | None = optional_field(
        "Search context size",
        "How much of each page comes back; leave it out where you set token limits.",
    )
    search_type: SearchType | None = optional_field(
        "Search type", "Web searches thoroughly; Fast is cheaper and quicker."
    )
    country: Country | None = optional_field(
        "Country",
        "Two-letter code (ISO 3166-1) of the country to search from.",
        examples=["US"],
    )
    search_domain_filter: DomainFilter = None
    search_language_filter: (
        Annotated[
            list[
                Annotated[
                    Language,
                    Field(
                        title="Language",
                        description="A two-letter language code (ISO 639-1), such as en.",
                    ),
                ]
            ],
            Field(max_length=20),
        ]
        | None
    ) = optional_field(
        "Search languages", "Up to 20 two-letter language codes that results may be in."
    )
    search_recency_filter: RecencyFilter = None
    search_after_date_filter: PublishedAfter = None
    search_before_date_filter: PublishedBefore = None
    last_updated_after_filter: UpdatedAfter = None
    last_updated_before_filter: UpdatedBefore = None

    @classmethod
    def conflicts(cls, values: JsonObject) -> Iterable[FieldError]:
        """Return the errors between fields: the search filters."""
        return search_conflicts(values)
