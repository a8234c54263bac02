import sys
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import Host
from tests.host.stage import CONNECTION, GREET, changed, distribution, in_host, toy_host


def there(host: Host) -> list[str]:
    """The toys on the palette, by connector."""
    return sorted(
        {
            str(entry["connector"])
            for entry in host.actions()
            if "toy" in str(entry["connector"])
        }
    )


def problems(host: Host) -> list[str]:
    """The toys that are not there."""
    return [
        str(problem["connector"])
        for problem in host.problems()
        if "toy" in str(problem["connector"])
    ]


def test_an_installed_connector_is_found_without_importing_anything_of_it(
    site: Path,
) -> None:
    """Its package stays out of sys.modules until it is used."""
    distribution(site, "toy")
    host = Host(environ={})
    assert there(host) == ["toy"]
    assert problems(host) == []
    host.describe("toy", "greet")
    assert "toy_pkg" not in sys.modules
    assert host.validate("toy", "greet", {"name": "Ada"}) == []
    assert "toy_pkg.toy" in sys.modules


def test_a_host_uses_only_the_connectors_that_its_operator_wants(site: Path) -> None:
    """Another one is neither read nor run, nor a problem; one that is registered is always there."""
    distribution(site, "toy")
    host = Host(environ={}, connectors=["perplexity", "none"])
    assert [one["id"] for one in host.connectors()] == ["perplexity"]
    envelope = in_host(host, lambda host: host.run(*GREET, connection=CONNECTION))
    assert envelope["error"]
    assert envelope["error"]["code"] == ErrorCode.NOT_FOUND
    (site / "toy_pkg" / "connector.yaml").unlink()
    assert problems(host) == []
    assert there(toy_host(connectors=[])) == ["toy"]


def test_an_installed_connector_runs(site: Path) -> None:
    """From entry points to envelope."""
    distribution(site, "toy")
    envelope = in_host(
        Host(environ={}),
        lambda host: host.run("toy", "greet", {"name": "Ada"}, connection=CONNECTION),
    )
    assert envelope["output"] == {"text": "Hello, Ada!"}


def test_an_editable_install_has_its_manifest_beside_pyproject(site: Path) -> None:
    """One level above the package."""
    folder = distribution(site, "toy")
    changed(site)
    (folder / "connector.yaml").unlink()
    assert problems(Host()) == ["toy"]
    (site / "pyproject.toml").write_text("", encoding="utf-8")
    assert there(Host()) == ["toy"]


def test_a_manifest_may_lie_in_a_package_inside_a_package(site: Path) -> None:
    """The parents of a dotted name are not imported either."""
    distribution(site, "toy")
    (site / "outer").mkdir()
    (site / "outer" / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    (site / "toy_pkg").rename(site / "outer" / "toy_pkg")
    points = site / "toy-1.0.dist-info" / "entry_points.txt"
    points.write_text(
        points.read_text(encoding="utf-8").replace("= toy_pkg", "= outer.toy_pkg"),
        encoding="utf-8",
    )
    assert there(Host()) == ["toy"]


@pytest.mark.parametrize(
    "value",
    [
        "nowhere:connector.yaml",
        "toy_pkg:other.yaml",
        f"toy_pkg:{'x' * 300}",
        "json.decoder:x",
        "this:x",
        ".x:y",
    ],
)
def test_a_manifest_that_is_not_there_is_a_problem(site: Path, value: str) -> None:
    """No such package, no such file, no package at all, no name at all; the others are there."""
    distribution(site, "toy")
    distribution(site, "good", connector="toy_good")
    changed(site / "good_pkg", lambda text: text.replace("id: toy", "id: toy_good"))
    points = site / "toy-1.0.dist-info" / "entry_points.txt"
    points.write_text(
        points.read_text(encoding="utf-8").replace("toy_pkg:connector.yaml", value),
        encoding="utf-8",
    )
    assert problems(Host()) == ["toy"]
    assert there(Host()) == ["toy_good"]


def test_one_bad_manifest_breaks_none_of_the_rest(site: Path) -> None:
    """Broken YAML, a host interface that is too new, and the wrong id are problems; the good one is there."""
    distribution(site, "good", connector="toy")
    for name, old, new in [
        ("toy_yaml", "id: toy", "id: [toy"),
        ("toy_api", "{min: 1, max: 1}", "{min: 2, max: 2}"),
        ("toy_id", "id: toy", "id: other"),
        ("toy_icon", "data:image/", "javascript:"),
        ("toy_deep", "id: toy", f"x: {'[' * 99}{']' * 99}\nid: toy"),
    ]:
        folder = distribution(site, name, connector=name)
        changed(
            folder,
            lambda text, old=old, new=new, name=name: text.replace(old, new).replace(  # type: ignore[misc]
                "id: toy", f"id: {name}"
            ),
        )
    host = Host()
    assert there(host) == ["toy"]
    assert sorted(problems(host)) == [
        "toy_api",
        "toy_deep",
        "toy_icon",
        "toy_id",
        "toy_yaml",
    ]


def test_of_two_distributions_with_one_id_the_first_counts(site: Path) -> None:
    """The second is a problem, so that neither slips under the other."""
    distribution(site, "toy")
    distribution(site, "toy_second", connector="toy")
    host = Host()
    assert there(host) == ["toy"]
    assert problems(host) == ["toy"]


def test_the_plugin_must_come_from_the_distribution_of_the_manifest(site: Path) -> None:
    """A manifest without a plugin of its own is a problem, even when another distribution offers one."""
    distribution(site, "toy")
    points = site / "toy-1.0.dist-info" / "entry_points.txt"
    manifests, plugins = points.read_text(encoding="utf-8").split(
        "[automation_host.plugins]"
    )
    points.write_text(manifests, encoding="utf-8")
    info = site / "thief-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        f"[automation_host.plugins]{plugins}", encoding="utf-8"
    )
    assert problems(Host()) == ["toy"]


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('toy-secret-token')",
        "import nothing_of_that_name",
        "value = 1 / 0",
        "x = (",
    ],
)
def test_a_plugin_that_raises_at_import_fails_its_own_runs_only(
    site: Path, body: str
) -> None:
    """It is on the palette; using it says which plugin is at fault, by the type of what it raised."""
    distribution(site, "toy", plugin="toy_pkg.bad")
    (site / "toy_pkg" / "bad.py").write_text(body, encoding="utf-8")
    distribution(site, "good", connector="toy_good")
    changed(site / "good_pkg", lambda text: text.replace("id: toy", "id: toy_good"))
    host = Host(environ={})
    assert there(host) == ["toy", "toy_good"]
    envelope: Any = in_host(
        host,
        lambda host: host.run("toy", "greet", {"name": "Ada"}, connection=CONNECTION),
    )
    assert envelope["error"]["code"] == ErrorCode.INTERNAL
    assert "toy_pkg.bad" in envelope["error"]["message"]
    assert "toy-secret-token" not in str(envelope)
    with pytest.raises(ConnectorError) as error:
        host.validate("toy", "greet", {})
    assert error.value.code is ErrorCode.INTERNAL


def test_settings_for_a_connector_that_is_not_there_are_a_problem() -> None:
    """A misspelt id would otherwise leave the operator's setting unused without a word."""
    assert "tyo" in [
        problem["connector"]
        for problem in Host(settings={"tyo": {"greeting": "Hi"}}).problems()
    ]


def test_looking_around_parses_nobodys_metadata(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With hundreds of connectors that took longer than reading all their manifests."""
    distribution(site, "toy")
    parsed: list[Any] = []
    real = Distribution.metadata.fget  # type: ignore[attr-defined]

    def counted(self: Distribution) -> object:
        parsed.append(self)
        return real(self)

    monkeypatch.setattr(Distribution, "metadata", property(counted))
    assert there(Host(environ={})) == ["toy"]
    assert parsed == []
