"""The one kind of error that a user can mend, shown without a traceback by the tools."""


class InputError(ValueError):
    """Bad input: says what was given, what was expected and what to do."""
