"""Providers with one bug each. Every check of the kit must kill at least one of them, and each dies of its own check."""
