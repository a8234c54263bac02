from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from tests.host.stage import toy_host
from tests.toy.toy import ToyPlugin


def settings(given: Any = None, **environ: str) -> Any:
    """What the toy was loaded with."""
    plugin = ToyPlugin()
    toy_host(plugin, settings={"toy": given or {}}, environ=environ).validate(
        "toy", "greet", {}
    )
    return plugin.loaded[0].settings


def test_a_setting_comes_from_the_argument_then_the_environment_then_the_default() -> (
    None
):
    """In this order."""
    assert settings({"greeting": "Hi"}, TOY_GREETING="Ahoy")["greeting"] == "Hi"
    assert settings(TOY_GREETING="Ahoy")["greeting"] == "Ahoy"
    assert settings()["greeting"] == "Hello"


def test_a_setting_that_nobody_sets_is_left_out() -> None:
    """It takes the connector's own default."""
    assert settings() == {"greeting": "Hello", "language": "NO"}


def test_an_empty_variable_sets_nothing() -> None:
    """As shells leave them."""
    assert settings(TOY_GREETING="")["greeting"] == "Hello"


def test_a_setting_may_be_empty_text() -> None:
    """The operator said so."""
    assert settings({"mark": ""})["mark"] == ""


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("tone", "x", "unknown_field"),
        ("greeting", 5, "type"),
        ("a/b~", "", "unknown_field"),
    ],
)
def test_a_setting_that_cannot_be_used_is_pointed_at(
    name: str, value: object, code: str
) -> None:
    """One that is not declared, one that is no text; the value is not told."""
    with pytest.raises(ConnectorError) as error:
        settings({name: value})
    assert error.value.code is ErrorCode.INVALID_INPUT
    pointer = "/settings/" + name.replace("~", "~0").replace("/", "~1")
    assert [(field.pointer, field.code) for field in error.value.fields] == [
        (pointer, code)
    ]


def test_the_process_environment_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Settings and credentials alike."""
    monkeypatch.setenv("TOY_GREETING", "Ahoy")
    plugin = ToyPlugin()
    toy_host(plugin, environ=None).validate("toy", "greet", {})
    assert plugin.loaded[0].settings["greeting"] == "Ahoy"
