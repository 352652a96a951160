"""The checks, one module for each family of the catalogue; importing a module enters its checks."""
