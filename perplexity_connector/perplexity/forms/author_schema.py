"""Check the JSON Schema that an author writes for a structured answer, and answers against it.

jsonschema-rs checks both. It matches patterns in linear time and fetches nothing; references may
only point inside the schema. Recursion is refused, since Perplexity does not support it
(docs/provider.md, "Structured answers"). Size, depth and weight are bounded, because a check cannot
be interrupted. The libraries are imported on first use, since most runs have no such schema.
"""

import functools
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from perplexity_connector.contract.json import Tokens
from perplexity_connector.contract.readers import as_object, as_text
from perplexity_connector.perplexity.forms.schema_survey import (
    DEEPEST,
    Survey,
    Weight,
    count_values,
)

if TYPE_CHECKING:
    from jsonschema_rs import (
        Draft202012Validator,
        FancyRegexOptions,
        RegexOptions,
        ValidationError,
    )

_META_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_MOST_CHARACTERS = 250_000
_MOST_RULES = 10_000
# Rules times values of an answer: about two seconds.
_MOST_CHECKS = 2_000_000
_MOST_PATTERNS = 1_000
# Of memory for all patterns together; the time to compile them grows with it.
_PATTERN_BYTES = 40_000_000
_UNICODE_CLASS = re.compile(r"(?<=\\)[pP]\{[^{}]*\}")
# Keywords that may fail because another schema accepts more.
_EXACT_KEYWORDS = (
    *("not", "if", "maxContains"),
    *("unevaluatedItems", "unevaluatedProperties"),
)


class BadSchemaError(ValueError):
    """The schema cannot be used. The message is a sentence for the author."""


class AuthorSchema:
    """An author's schema, ready to check answers.

    * `unchecked`: the patterns that cannot be matched in linear time. They count as matched.
    * `_has_patterns`: whether it checks the letters of a text.
    * `_weight`: how many rules apply to the values of an answer.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        """Compile a schema, which may be changed. Raises `BadSchemaError`."""
        _refuse_broken_rules(schema)
        survey = Survey()
        self._weight = _weigh(survey, schema)
        patterns = {p for part in survey.schemas for p in _patterns(part)}
        options = _linear(len(patterns))
        self.unchecked = _nonlinear(patterns, options)
        self._has_patterns = bool(patterns)
        if self.unchecked:
            _relax(survey.schemas, self.unchecked)
        self._validator = _compile(schema, options)

    def accepts(self, value: object) -> bool:
        """Return whether an answer follows the schema; False if the check would take too long."""
        values = count_values(value, with_letters=self._has_patterns)
        if self._weight.here + self._weight.inside * values > _MOST_CHECKS:
            return False
        try:
            return self._validator.is_valid(value)
        except ValueError:
            # Too deep, or with text that is not Unicode.
            return False

    def broken_places(self, value: object) -> Iterator[Tokens]:
        """Yield the path of each value that does not follow. `accepts` must have been asked."""
        for error in self._validator.iter_errors(value):
            yield tuple(map(str, error.instance_path))


def problem_with(schema: Mapping[str, Any]) -> str | None:
    """Return the problem of an author's schema, with its remedy; None if the schema is valid."""
    try:
        compile_schema(schema)
    except BadSchemaError as error:
        return str(error)
    if schema.get("type") != "object":
        return 'The root of the schema must have "type": "object". Put other types into a property.'
    return None


def compile_schema(schema: Mapping[str, Any]) -> AuthorSchema:
    """Return a schema ready to check answers. Raises `BadSchemaError`."""
    return _compile_text(_text_of(schema))


# A form is checked twice and its answer once, and a flow may ask with one schema a hundred times.
@functools.lru_cache(maxsize=8)
def _compile_text(text: str) -> AuthorSchema:
    return AuthorSchema(json.loads(text))


def _text_of(schema: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(schema, ensure_ascii=False, allow_nan=False)
        _refuse_depth(schema)
    except RecursionError:
        raise _too_deep() from None
    except (ValueError, TypeError):
        message = "This is not a JSON document. Simplify it."
        raise BadSchemaError(message) from None
    if len(text) > _MOST_CHARACTERS:
        message = f"It is longer than {_MOST_CHARACTERS} characters. Simplify it."
        raise BadSchemaError(message)
    # A lone surrogate may be in a description. No answer has one.
    return as_text(text)


def _refuse_depth(node: object, level: int = 0) -> None:
    if level > DEEPEST:
        raise RecursionError
    for part in _parts(node):
        _refuse_depth(part, level + 1)


def _parts(node: object) -> Iterable[object]:
    if isinstance(node, Mapping):
        return node.values()
    return node if isinstance(node, list) else ()


def _refuse_broken_rules(schema: dict[str, Any]) -> None:
    # The library contains the meta-schema.
    validator = _validator({"$ref": _META_SCHEMA}, _linear(0))
    for error in validator.iter_errors(schema):
        raise _broken_rule(error)


def _weigh(survey: Survey, schema: dict[str, Any]) -> Weight:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - heavy, and only structured answers need it

    try:
        weight = survey.weigh(schema)
    except RecursionError:
        raise _too_deep() from None
    except (Unresolvable, ValueError, TypeError, AttributeError):
        raise _bad_reference() from None
    if weight.most > _MOST_RULES:
        message = f"It applies more than {_MOST_RULES} rules to one value, counting each $ref. Simplify it."
        raise BadSchemaError(message)
    return weight


def _patterns(schema: dict[str, Any]) -> Iterator[str]:
    if isinstance(schema.get("pattern"), str):
        yield schema["pattern"]
    yield from as_object(schema.get("patternProperties"))


def _linear(patterns: int) -> "RegexOptions":
    from jsonschema_rs import RegexOptions  # noqa: PLC0415 - heavy, and only structured answers need it

    if patterns > _MOST_PATTERNS:
        message = f"It has more than {_MOST_PATTERNS} patterns. Simplify it."
        raise BadSchemaError(message)
    return RegexOptions(size_limit=_PATTERN_BYTES // max(4, patterns))


def _nonlinear(patterns: Iterable[str], options: "RegexOptions") -> Sequence[str]:
    """Return the patterns that cannot be matched in linear time. Raises `BadSchemaError`."""
    from jsonschema_rs import FancyRegexOptions  # noqa: PLC0415 - heavy, and only structured answers need it

    found = sorted(p for p in patterns if not _is_pattern(p, options))
    for pattern in found:
        if not _is_python(pattern) and not _is_pattern(pattern, FancyRegexOptions()):
            message = "It has a pattern that is not a regular expression. Correct it."
            raise BadSchemaError(message)
    return found


def _is_pattern(pattern: str, options: "RegexOptions | FancyRegexOptions") -> bool:
    try:
        _validator({"pattern": pattern}, options)
    except ValueError:
        return False
    return True


def _is_python(pattern: str) -> bool:
    # Python takes patterns that are too large for the other library, but has no classes of letters.
    pattern = _UNICODE_CLASS.sub("w", pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _relax(schemas: Iterable[dict[str, Any]], unchecked: Sequence[str]) -> None:
    """Remove patterns, and the keywords that may fail because the rest then accepts more."""
    for schema in schemas:
        if schema.get("pattern") in unchecked:
            del schema["pattern"]
        named = as_object(schema.get("patternProperties"))
        if not named.keys().isdisjoint(unchecked):
            kept = {name: named[name] for name in named if name not in unchecked}
            schema["patternProperties"] = kept
            schema.pop("additionalProperties", None)
        for name in _EXACT_KEYWORDS:
            schema.pop(name, None)
        if "oneOf" in schema:
            any_of = {"anyOf": schema.pop("oneOf")}
            schema["allOf"] = [*schema.get("allOf", []), any_of]


def _compile(schema: dict[str, Any], options: "RegexOptions") -> "Draft202012Validator":
    from jsonschema_rs import ValidationError  # noqa: PLC0415 - heavy, and only structured answers need it

    try:
        return _validator(schema, options)
    except ValidationError as error:
        raise _broken_rule(error) from None


def _validator(
    schema: dict[str, Any], options: "RegexOptions | FancyRegexOptions"
) -> "Draft202012Validator":
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - heavy, and only structured answers need it

    # Only the dialect's class: the library's other functions fetch references.
    return Draft202012Validator(schema, retriever=_refuse, pattern_options=options)


def _refuse(address: str) -> NoReturn:
    raise ValueError(address)


def _broken_rule(error: "ValidationError") -> BadSchemaError:
    if error.kind.name == "$ref":
        return _bad_reference()
    place = "/".join(map(str, error.instance_path))
    message = f"This is not a valid JSON Schema. Correct /{place}."
    return BadSchemaError(message)


def _bad_reference() -> BadSchemaError:
    message = "A $ref must point at a place inside this schema, such as #/$defs/name."
    return BadSchemaError(message)


def _too_deep() -> BadSchemaError:
    message = f"It is deeper than {DEEPEST} levels, or a $ref leads back to itself. Simplify it."
    return BadSchemaError(message)
