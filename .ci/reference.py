"""Write the API reference, as HTML made from the docstrings: `.venv/bin/python .ci/reference.py FOLDER`.

A warning of pdoc is an error: a name that is exported and missing, a reference that leads nowhere.
"""

import inspect
import re
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import pdoc
import pdoc.doc
import pdoc.doc_types
import pdoc.render

from perplexity_connector import contract, host

PACKAGES = ("perplexity_connector.contract", "perplexity_connector.host")
# The inputs and outputs of Perplexity's actions.
TYPES = "perplexity_connector.types"
PUBLIC = {
    name: f"{package.__name__}.{name}"
    for package in (host, contract)
    for name in package.__all__
}
# The names of type aliases by their definitions, the longest first: Python itself forgets the names.
ALIASES = {
    inspect.formatannotation(value): name
    for name in contract.__all__
    if not isinstance(value := getattr(contract, name), type)
}
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
        text = MODULE.sub("", text).replace('"', "").replace("'", "")
        # pdoc makes links of full names, and shows the short ones.
        self._text = NAME.sub(lambda name: PUBLIC.get(name[0], name[0]), text)

    def __repr__(self) -> str:
        """Return the text that pdoc shows."""
        return self._text


def annotation(hint: object, *_: object) -> object:
    """Return the annotation to show; pdoc also gives the places where a text could be evaluated."""
    return hint if hint is inspect.Parameter.empty else Annotation(hint)


def main(folder: Path) -> None:
    """Write the pages. Raise the first warning."""
    warnings.simplefilter("error")
    # It says so of the inherited keys of each TypedDict, before Python 3.12, and is right.
    warnings.filterwarnings("ignore", "Cannot determine where .* assuming current file")
    for module in (pdoc.doc, pdoc.doc_types):
        module.safe_eval_type = annotation
    pdoc.render.configure(docformat="google", show_source=False)
    types = [TYPES] if find_spec(TYPES) else []
    pdoc.pdoc(*PACKAGES, *types, output_directory=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
