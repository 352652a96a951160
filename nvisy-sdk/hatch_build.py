"""Puts the template for new providers into the SDK: it lies beside this project in the repository, inside it in an sdist."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TemplateHook(BuildHookInterface[Any]):
    """Adds `cookiecutter-provider/` as `nvisy_sdk/template/`; an editable installation finds it where it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder to what is built, where there is one."""
        template = Path(self.root).parent / "cookiecutter-provider"
        if version == "editable" or not template.is_dir():
            return
        target = "nvisy_sdk/template" if self.target_name == "wheel" else "src/nvisy_sdk/template"
        build_data["force_include"][str(template)] = target
