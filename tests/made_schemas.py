"""Strategies for small JSON Schemas with many keywords, and for values that may follow them."""

from typing import Any

from hypothesis import strategies as st

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 1.5, 1e300, "", "a", "bb", "ccc", "2026-02-28"])
)
values = st.recursive(
    scalars,
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), part, max_size=3)
    ),
)
_kinds = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "null"]
)
_small = st.integers(0, 3)


def _made(part: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(part, min_size=1, max_size=2)
    keywords = {
        "type": _kinds | st.lists(_kinds, min_size=1, unique=True),
        "properties": st.dictionaries(st.sampled_from("abc"), part, max_size=3),
        "required": st.lists(st.sampled_from("abc"), unique=True),
        "additionalProperties": st.booleans() | st.just({}) | part,
        "unevaluatedProperties": st.booleans() | part,
        "unevaluatedItems": st.booleans() | part,
        "propertyNames": part,
        "dependentSchemas": st.dictionaries(st.sampled_from("ab"), part, max_size=1),
        "patternProperties": st.dictionaries(
            st.sampled_from(["a", "^b"]), part, max_size=1
        ),
        "items": part,
        "prefixItems": lists,
        "contains": part,
        "anyOf": lists,
        "oneOf": lists,
        "allOf": lists,
        "not": part,
        "if": part,
        "then": part,
        "else": part,
        "enum": st.lists(scalars, min_size=1, max_size=3),
        "const": values,
        "uniqueItems": st.booleans(),
        "pattern": st.sampled_from(["a", "^b+$"]),
        "format": st.sampled_from(["date", "password"]),
        "title": st.just("A title"),
        "unheard-of": scalars,
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _small),
        **dict.fromkeys(("minProperties", "maxProperties", "minContains"), _small),
        **dict.fromkeys(
            ("minimum", "maximum", "exclusiveMinimum"), _small | st.just(1.5)
        ),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
    }
    return st.lists(st.sampled_from(sorted(keywords)), max_size=4, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: keywords[name] for name in chosen})
    )


schemas = st.recursive(st.booleans() | _made(st.booleans()), _made, max_leaves=5)
