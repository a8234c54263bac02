"""The filters on pages that `/search` and the Agent API's `web_search` share."""

import re
from dataclasses import dataclass
from datetime import date

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.corpus import TODAY, Page
from perplexity_connector.sandbox.errors import BrokenRuleError, invalid
from perplexity_connector.sandbox.iso_codes import COUNTRIES
from perplexity_connector.sandbox.jsontypes import JsonObject

_DATES = (
    "search_after_date_filter",
    "search_before_date_filter",
    "last_updated_after_filter",
    "last_updated_before_filter",
)
FILTER_FIELDS = ("search_domain_filter", "search_recency_filter", *_DATES)
_DAYS = {
    "hour": 0,
    "day": 1,
    "week": 7,
    "month": 31,
    "year": 366,
}
_MAX_DOMAINS = 20
_DOMAIN = re.compile(r"-?(?=.{1,253}$)[a-z0-9-]*(\.[a-z0-9-]+)+", re.IGNORECASE)
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The conditions that a page must meet. An unknown date meets no condition on it.

    `max_age` is in days. A domain with a leading `-` is denied, any other one is allowed. Recorded:
    where some domains are allowed, the denied ones count for nothing.
    """

    domains: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_age: int | None = None
    after: date | None = None
    before: date | None = None
    updated_after: date | None = None
    updated_before: date | None = None

    def allows(self, page: Page) -> bool:
        """Return whether a page meets all conditions. The bounds of dates are included."""
        return (
            self._allows_host(page.host)
            and (not self.languages or page.language in self.languages)
            and self._allows_age(page.date)
            and _within(page.date, self.after, self.before)
            and _within(page.last_updated, self.updated_after, self.updated_before)
        )

    def _allows_age(self, day: date | None) -> bool:
        if self.max_age is None:
            return True
        return day is not None and (TODAY - day).days <= self.max_age

    def _allows_host(self, host: str) -> bool:
        allowed = [domain for domain in self.domains if not domain.startswith("-")]
        denied = [domain[1:] for domain in self.domains if domain.startswith("-")]
        return _host_in(host, allowed) if allowed else not _host_in(host, denied)


def read_filters(
    values: JsonObject,
    languages: tuple[str, ...] = (),
    *,
    iso_dates: bool = False,
) -> Filters:
    """Read the filters among the fields of a request; `iso_dates` says whether they may be ISO.

    Raises:
        ApiError: 400 for a domain, date or recency that the provider refuses, and for recency
            beside publication dates.
    """
    recency = checks.read_choice(values, "search_recency_filter", _DAYS)
    after, before, updated_after, updated_before = (
        _date(values, name, iso_dates) for name in _DATES
    )
    if recency and (after or before):
        message = (
            "search_recency_filter cannot be used together with "
            "search_after_date_filter or search_before_date_filter"
        )
        raise BrokenRuleError(message)
    return Filters(
        domains=_domains(values),
        languages=languages,
        max_age=None if recency is None else _DAYS[recency],
        after=after,
        before=before,
        updated_after=updated_after,
        updated_before=updated_before,
    )


def check_country(values: JsonObject) -> str | None:
    """Return the field `country`, which must be the code of a country, in any case."""
    country = checks.read_text(values, "country")
    if country is not None and country.upper() not in COUNTRIES:
        message = (
            "Validation error: country must be provided as a valid 2-digit ISO country code, "
            f"got {country}"
        )
        raise invalid(message, "invalid_country_code")
    return country


def _domains(values: JsonObject) -> tuple[str, ...]:
    domains = checks.read_strings(values, "search_domain_filter") or []
    if len(domains) > _MAX_DOMAINS:
        message = (
            f"search domain filter must be at most {_MAX_DOMAINS}; "
            f"search domain filter has a max length of {_MAX_DOMAINS}"
        )
        raise BrokenRuleError(message)
    for domain in domains:
        if not _DOMAIN.fullmatch(domain):
            message = f"Validation error: search_domain_filters must be a valid domain name, but got {domain}"
            raise invalid(message, "invalid_search_domain_filter")
    return tuple(domain.lower() for domain in domains)


def _date(values: JsonObject, name: str, iso_dates: bool) -> date | None:
    text = checks.read_text(values, name)
    if text is None:
        return None
    found = _DATE.fullmatch(text)
    try:
        if iso_dates and _ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
        month, day, year = map(int, found.groups() if found else ())
        return date(year, month, day)
    except ValueError:
        message = f"{name} '{text}' must be in MM/DD/YYYY format"
        raise BrokenRuleError(message) from None


def _within(
    day: date | None,
    after: date | None,
    before: date | None,
) -> bool:
    if after is None and before is None:
        return True
    return day is not None and (after or date.min) <= day <= (before or date.max)


def _host_in(host: str, domains: list[str]) -> bool:
    return any(
        f".{host}".endswith(f".{domain.removeprefix('.')}") for domain in domains
    )
