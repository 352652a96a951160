"""The manifest in the package is what the code says, and the class can be loaded."""

from importlib.metadata import entry_points, version
from importlib.resources import files

import nvisy_plugin_postgres
from nvisy_plugin_postgres import Provider, manifest
from nvisy_sdk import MANIFEST_FILE, Ability, Manifest, load_checks


def test_manifest_file_is_what_the_code_describes() -> None:
    """Run `python -m nvisy_sdk manifest nvisy_plugin_postgres --write` when this fails."""
    text = (files(nvisy_plugin_postgres) / MANIFEST_FILE).read_text()
    assert Manifest.model_validate_json(text) == manifest()
    assert all(manifest().can(ability) for ability in Ability)
    assert load_checks(Provider) == []


def test_entry_point_leads_to_the_provider() -> None:
    """Under the name that workflows use."""
    (found,) = (point for point in entry_points(group="nvisy.providers") if point.name == manifest().name)
    assert found.load() is Provider
    assert version("nvisy-plugin-postgres") == nvisy_plugin_postgres.__version__
