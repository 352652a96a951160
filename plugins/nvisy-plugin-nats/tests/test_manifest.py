"""The manifest in the package is what the code says, and the class can be loaded."""

from importlib.metadata import entry_points, version
from importlib.resources import files

import nvisy_plugin_nats
import pytest
from nvisy_plugin_nats import Params, Provider, manifest
from nvisy_sdk import MANIFEST_FILE, Ability, Manifest, load_checks
from pydantic import ValidationError


def test_manifest_file_is_what_the_code_describes() -> None:
    """Run `python -m nvisy_sdk manifest nvisy_plugin_nats --write` when this fails."""
    text = (files(nvisy_plugin_nats) / MANIFEST_FILE).read_text()
    assert Manifest.model_validate_json(text) == manifest()
    wanted = {Ability.READ, Ability.WRITE, Ability.INSPECT, Ability.PREPARE}
    assert {ability for ability in Ability if manifest().can(ability)} == wanted
    assert load_checks(Provider) == []


def test_entry_point_leads_to_the_provider() -> None:
    """Under the name that workflows use."""
    (found,) = (point for point in entry_points(group="nvisy.providers") if point.name == manifest().name)
    assert found.load() is Provider
    assert version("nvisy-plugin-nats") == nvisy_plugin_nats.__version__


@pytest.mark.parametrize(
    "servers", [["http://a:1"], ["nats://"], ["nats://u:p@a:1"], ["tls://u@a"], ["a:1/path"], ["a", "ws://b"]]
)
def test_address_that_leads_nowhere_is_refused(servers: list[str]) -> None:
    """Another protocol, no host, or credentials where they do not belong."""
    with pytest.raises(ValidationError, match="a server"):
        Params.model_validate({"servers": servers})


def test_addresses_are_written_in_several_ways() -> None:
    """Host and port, IPv6, and a list."""
    assert Params(host="::1", port=7).urls() == ["nats://[::1]:7"]
    assert Params(servers=("a:1", "tls://b:2", "nats://c")).urls() == ["nats://a:1", "tls://b:2", "nats://c"]
    assert [Params(servers=("a:1", scheme)).encrypted() for scheme in ("nats://b", "tls://b")] == [False, True]
