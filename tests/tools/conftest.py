"""What a tool said."""


def one_line(result: tuple[int, str, str]) -> str:
    """The message of a user's error: exit code 2, nothing on stdout, one line on stderr."""
    code, out, err = result
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in err
    return last
