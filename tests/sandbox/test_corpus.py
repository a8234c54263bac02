from perplexity_connector.sandbox.corpus import TODAY, pages, rank
from perplexity_connector.sandbox.tokens import tokenize


def test_every_page_lies_on_a_reserved_domain() -> None:
    """Nothing in the corpus leads to a real site; no address comes twice."""
    assert len(pages()) >= 40
    assert all(page.host.endswith(".example") for page in pages())
    assert len({page.url for page in pages()}) == len(pages())


def test_no_page_is_from_the_future() -> None:
    """The corpus ends on the day that recency counts from."""
    days = [day for page in pages() for day in (page.date, page.last_updated) if day]
    assert max(days) == TODAY


def test_tokens_join_to_the_text_again() -> None:
    """Whatever a page holds, nothing is lost between deltas."""
    for page in pages():
        text = f"{page.text}[1][web:2] \n\n- {page.title}"
        assert "".join(tokenize(text)) == text


def test_a_query_without_words_finds_nothing() -> None:
    """Words that say nothing are not searched for."""
    assert rank("what is the of", pages()) == []
