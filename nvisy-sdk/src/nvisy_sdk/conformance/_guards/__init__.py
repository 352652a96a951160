"""What is watched during every check: what a provider leaves behind, blocks, lets slip or changes outside of itself.

A guard's finding is blamed on the check that is about it, whatever check was running.
"""

from ._finding import Finding
from ._watch import Watch

__all__ = ["Finding", "Watch"]
