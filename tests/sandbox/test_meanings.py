import re

from perplexity_connector.sandbox import keys, prompts
from perplexity_connector.sandbox.prompts import Prompt
from tests.paths import ROOT

ROW = re.compile(r"\| `(pplx-test-[a-z-]+|sandbox:[a-z-]+)` \| (.+) \|")


def test_every_key_and_every_prompt_has_a_meaning() -> None:
    """None is missing in the lists that the command line prints."""
    named = [value for name, value in vars(keys).items() if name.endswith("_KEY")]
    assert set(keys.MEANINGS) == set(named)
    assert set(prompts.MEANINGS) == set(Prompt)


def test_the_page_of_the_sandbox_lists_the_same_keys_and_prompts() -> None:
    """In the same words."""
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    words = {f"sandbox:{name}": text for name, text in prompts.MEANINGS.items()}
    assert dict(ROW.findall(page)) == {**keys.MEANINGS, **words}
