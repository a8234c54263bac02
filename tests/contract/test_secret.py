"""A secret shows itself to `reveal` alone."""

import copy
import dataclasses
import json
import pickle
import traceback

import pytest

from perplexity_connector.contract import ActionContext, Secret

KEY = "pplx-sentinel-0123456789"


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(KEY)),
        str(Secret(KEY)),
        f"{Secret(KEY)}",
        f"{Secret(KEY)!r}",
        f"{Secret(KEY):>40}",
        f"{[Secret(KEY)]}",
        "{}".format(Secret(KEY)),  # noqa: UP032 - the old way of formatting is another way out
        "%s" % Secret(KEY),  # noqa: UP031 - likewise
        repr({"api_key": Secret(KEY)}),
    ],
)
def test_no_way_of_writing_a_secret_shows_it(shown: str) -> None:
    """Whatever formats a secret gets the mask."""
    assert KEY not in shown
    assert "*" in shown


def test_a_context_shows_no_connection() -> None:
    """A host may have put a plain text there, and a crash reporter prints variables."""
    assert KEY not in repr(ActionContext(connection={"api_key": KEY}))


def test_a_format_spec_applies_to_the_mask() -> None:
    """Aligning a secret aligns its mask."""
    assert f"{Secret(KEY):>12}" == "  " + str(Secret(KEY))


def test_reveal_gives_the_text() -> None:
    """The one line that sends the key gets it."""
    assert Secret(KEY).reveal() == KEY


def test_the_mask_does_not_tell_the_length() -> None:
    """A short secret and a long one look alike."""
    assert str(Secret("a")) == str(Secret("a" * 1000))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_holds_the_mask_only(protocol: int) -> None:
    """What leaves the process is the mask, in every protocol."""
    pickled = pickle.dumps(Secret(KEY), protocol)
    assert KEY.encode() not in pickled
    assert pickle.loads(pickled).reveal() == str(Secret(KEY))  # noqa: S301 - our own bytes


def test_copies_inside_the_process_keep_the_text() -> None:
    """Copying a connection does not mask its key."""
    secret = Secret(KEY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"api_key": secret})["api_key"] is secret


def test_a_context_taken_apart_keeps_its_secret() -> None:
    """`dataclasses.replace` on a context leaves the credential usable."""
    ctx = dataclasses.replace(
        ActionContext(connection={"api_key": Secret(KEY)}), attempt=2
    )
    key = ctx.connection["api_key"]
    assert isinstance(key, Secret)
    assert key.reveal() == KEY


def test_an_empty_secret_is_false() -> None:
    """Whether a key was given at all can be asked without revealing it."""
    assert Secret(KEY)
    assert not Secret("")


def test_json_refuses_a_secret() -> None:
    """A secret that was forgotten in a document stops it instead of leaking."""
    with pytest.raises(TypeError) as caught:
        json.dumps({"api_key": Secret(KEY)})
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_secret_has_no_attributes_to_dump() -> None:
    """Tools that print `vars()` of everything find nothing."""
    assert not hasattr(Secret(KEY), "__dict__")
