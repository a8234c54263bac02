"""Write the API reference, as HTML made from the docstrings: `.venv/bin/python .ci/reference.py FOLDER`.

A warning of pdoc is an error: a name that is exported and missing, a reference that leads nowhere.
"""

import inspect
import re
import sys
import typing
import warnings
from pathlib import Path

import pdoc
import pdoc.doc
import pdoc.doc_types
import pdoc.render

from perplexity_connector import contract, host, types

MODULES = (contract, host, types)
PUBLIC = {
    name: f"{module.__name__}.{name}" for module in MODULES for name in module.__all__
}
# The names of type aliases by their definitions, the longest first: Python itself forgets the names.
ALIASES = {
    inspect.formatannotation(value): name
    for name in contract.__all__
    if not isinstance(value := getattr(contract, name), type)
}
# The texts in it may look like names.
LITERAL = re.compile(r"(?:typing\.)?(Literal\[[^\]]*\])")
MODULE = re.compile(r"\b(?:\w+\.)+(?=[A-Za-z]\w*)")
NAME = re.compile(r"\b[A-Z]\w+\b")


class Annotation:
    """A type as a reader of the source knows it: with the names of aliases, without modules.

    pdoc would show the definition of each alias, and not find names that are imported for type
    checkers alone.
    """

    def __init__(self, hint: object) -> None:
        """Take a type, or its text."""
        text = hint if isinstance(hint, str) else inspect.formatannotation(hint)
        for definition in sorted(ALIASES, key=len, reverse=True):
            text = text.replace(definition, ALIASES[definition])
        parts = LITERAL.split(text)
        parts[::2] = map(_linked, parts[::2])
        self._text = "".join(parts)

    def __repr__(self) -> str:
        """Return the text that pdoc shows."""
        return self._text


def _linked(text: str) -> str:
    """Return a type without modules and quotes. Public names are whole: pdoc makes links of those."""
    text = re.sub("['\"]", "", MODULE.sub("", text))
    return NAME.sub(lambda name: PUBLIC.get(name[0], name[0]), text)


def annotation(hint: object, *_: object) -> object:
    """Return the annotation to show; pdoc also gives the places where a text could be evaluated."""
    return hint if hint is inspect.Parameter.empty else Annotation(hint)


def describe_overloads(kind: type) -> None:
    """Let each method of a class that has only overloads show them: pdoc would show none."""
    # Python puts this one function in the place of every method that has only overloads.
    helper = typing.overload(lambda: None)
    for name, method in list(vars(kind).items()):
        if method is helper:

            def shown() -> None: ...

            shown.__module__, shown.__name__ = kind.__module__, name
            shown.__qualname__ = f"{kind.__qualname__}.{name}"
            forms = list(map(inspect.signature, typing.get_overloads(shown)))
            parameters = [
                part.replace(annotation=inspect.Parameter.empty)
                for part in forms[0].parameters.values()
            ]
            shown.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
            lines = "\n".join(map(_form, forms))
            shown.__doc__ = f"Has these forms:\n\n```python\n{lines}\n```"
            setattr(kind, name, shown)


def _form(signature: inspect.Signature) -> str:
    """Return one form: the types of its parameters, without the options, and its result."""
    hints = [
        MODULE.sub("", inspect.formatannotation(part.annotation))
        for part in signature.parameters.values()
        if part.annotation is not inspect.Parameter.empty
        and part.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    return f"({', '.join(hints)}) -> {signature.return_annotation}"


def main(folder: Path) -> None:
    """Write the pages. Raise the first warning."""
    warnings.simplefilter("error")
    # It says so of the inherited keys of each TypedDict, before Python 3.12, and is right.
    warnings.filterwarnings("ignore", "Cannot determine where .* assuming current file")
    for module in (pdoc.doc, pdoc.doc_types):
        module.safe_eval_type = annotation
    pdoc.render.configure(docformat="google", show_source=False)
    for kind in (types.TypedHost, types.TypedSyncHost):
        describe_overloads(kind)
    names = [module.__name__ for module in MODULES]
    pdoc.pdoc(*names, output_directory=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
