"""The hints for Create Chat Completion: inputs that are allowed, but probably not meant."""

from collections.abc import Iterator

from perplexity_connector.contract import Hint, JsonObject
from perplexity_connector.contract.readers import as_number, as_text
from perplexity_connector.perplexity.forms.model_aliases import (
    effort_of,
    is_bare,
    replacement_for,
)

# With fewer tokens, these may think until none is left for the answer (docs/provider.md, "Models").
_ENOUGH_TOKENS = 4096
_DEEP = frozenset({"medium", "high", "xhigh", "wide-research"})

_FEW_TOKENS = (
    "Leave it out, or set at least 4096. With fewer tokens, this model may think until none is left "
    "for the answer."
)
_ONE_STEP = (
    "This model takes one step, and may answer without a search. "
    "Set Web search (search), Maximum steps (max_steps) or both."
)
# The hints for all inputs. They have the names of fields: programs and models read them, not a form.
GENERAL_HINTS = (
    Hint(
        pointer="/max_tokens",
        message=(
            "With the models medium, high, xhigh and wide-research, leave max_tokens out or set at "
            "least 4096: they may think until no token is left for the answer."
        ),
    ),
    Hint(
        pointer="/model",
        message=(
            "A model written provider/model takes one step, and may answer without a search, unless "
            "search or max_steps is set."
        ),
    ),
)


def chat_hints(values: JsonObject) -> Iterator[Hint]:
    """Yield the hints for an input without blanks."""
    model = as_text(values.get("model")).strip()
    limit = as_number(values.get("max_tokens"))
    if limit is not None and limit < _ENOUGH_TOKENS and effort_of(model) in _DEEP:
        yield Hint(pointer="/max_tokens", message=_FEW_TOKENS)
    # A removed model has an error.
    is_usable = bool(model) and not replacement_for(model)
    is_set = bool({"search", "max_steps"} & values.keys())
    if is_usable and is_bare(model) and not is_set:
        yield Hint(pointer="/model", message=_ONE_STEP)
