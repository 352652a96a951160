"""The manifest in the package is what the code says, and the class can be loaded."""

from importlib.metadata import entry_points, version
from importlib.resources import files

import nvisy_plugin_chroma
from nvisy_plugin_chroma import Provider, manifest
from nvisy_sdk import MANIFEST_FILE, Ability, CapabilityState, Feature, Manifest, load_checks


def test_manifest_file_is_what_the_code_describes() -> None:
    """Run `python -m nvisy_sdk manifest nvisy_plugin_chroma --write` when this fails."""
    text = (files(nvisy_plugin_chroma) / MANIFEST_FILE).read_text()
    assert Manifest.model_validate_json(text) == manifest()
    assert load_checks(Provider) == []


def test_manifest_claims_no_more_than_there_is() -> None:
    """No transactions; what is partial says why."""
    found = manifest()
    assert {ability for ability in Ability if not found.can(ability)} == {Ability.TRANSACTIONAL}
    assert found.limit(Ability.WRITE, "max_batch_rows") == 5_461
    assert found.feature(Feature.ORDER).state is CapabilityState.FULL
    assert found.feature(Feature.INCREMENTAL).state is CapabilityState.PARTIAL


def test_entry_point_leads_to_the_provider() -> None:
    """Under the name that workflows use."""
    (found,) = (point for point in entry_points(group="nvisy.providers") if point.name == manifest().name)
    assert found.load() is Provider
    assert version("nvisy-plugin-chroma") == nvisy_plugin_chroma.__version__
