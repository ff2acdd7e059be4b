"""The error of a config that cannot run."""

from mmpanonas.errors import InputError


class ConfigError(InputError):
    """A config that cannot run, and what to change."""
