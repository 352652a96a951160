"""The bakes bring tests and a file for pytest of their own; they are run where they are baked, in `tests/scaffold`."""

collect_ignore_glob = ["nvisy-plugin-*"]
