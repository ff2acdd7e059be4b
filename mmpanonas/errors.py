"""The one kind of error that a user can fix, shown without a traceback by the tools."""

import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Bad input: says what was given, what was expected and what to do."""


class ConfigError(InputError):
    """A config that cannot run, and what to change."""


class ClassesError(InputError):
    """Classes that a model takes from its data cannot be read there."""


#: What a constructor raises about its arguments.
_OF_CONSTRUCTORS = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)


class StoppedError(KeyboardInterrupt):
    """A signal ends the work.

    Attributes:
        signal: its number.
        safe: what is safe, or "".
    """

    def __init__(self, number: int, safe: str = "") -> None:
        name = {signal.SIGINT: "Ctrl-C"}.get(number, signal.Signals(number).name)
        super().__init__(f"stopped by {name}{safe and ': '}{safe}")
        self.signal, self.safe = number, safe


@contextmanager
def keeping(safe: Callable[[], str]) -> Iterator[None]:
    """Where a signal, a failing disk or lack of memory ends what is done inside, say what is safe.

    Raises:
        StoppedError: for a signal, and for whatever a signal to all processes has led to.
        InputError: for a file that cannot be read or written, and where memory runs out.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        if getattr(stop, "safe", ""):
            raise
        raise StoppedError(getattr(stop, "signal", signal.SIGINT), safe()) from None
    except Exception as error:
        if _SIGNALS.first:  # such as a reading process that got it as well
            raise StoppedError(_SIGNALS.first, safe()) from None
        if isinstance(error, OSError) and not isinstance(error, ConnectionError):
            raise InputError(f"{describe_file_error(error)}; {safe()}") from error
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            raise InputError(
                f"memory ran out ({in_a_line(error)[:300]}): take smaller batches or pictures, or "
                f"fewer workers; {safe()}"
            ) from error
        raise


def in_a_line(error: Exception) -> str:
    """What an error of another package says, without the line ends."""
    said = error.args[0] if len(error.args) == 1 else error
    return " ".join(str(said).split()) or type(error).__name__


def describe_file_error(error: OSError) -> str:
    """What cannot be done with which file, in a line."""
    if error.strerror is None:  # one of another process, whose last line says it
        return str(error).strip().rpartition("\n")[2]
    return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"


def run_tool(main: Callable[[], None], *expected: type[Exception]) -> None:
    """Call ``main``; a user's error becomes one line on stderr and exit code 2.

    So does a file that cannot be read or written, and whatever a class of a config raises while
    MMEngine builds it, such as a width that its groups do not divide. After Ctrl-C and SIGTERM a
    line says what is safe, and the exit code is 130 or 143; of the ranks of a launcher the first
    one speaks.

    Args:
        main: the tool.
        expected: errors besides :class:`InputError` whose messages say enough.
    """
    # A log that cannot be written, as on a full disk, must not bury the one line.
    logging.raiseExceptions = False
    if hasattr(sys.stdout, "reconfigure"):  # a name in another encoding is printed as an escape
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _SIGNALS, keeping(lambda: ""):
            main()
    except Exception as error:
        if not (isinstance(error, (InputError, *expected)) or _built_by(error)):
            raise
        # On a line of its own, also after a progress bar.
        print(f"\nerror: {_message(error)}", file=sys.stderr, flush=True)
        if int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", 0)):
            os.kill(os.getppid(), signal.SIGTERM)  # torchrun would start it again, in vain
        sys.exit(2)
    except StoppedError as stop:
        print(f"\n{stop}", file=sys.stderr, flush=True)
        sys.exit(128 + stop.signal)


def _built_by(error: Exception) -> str | None:
    """The class whose constructor raised it, if MMEngine built that of a config."""
    if not isinstance(error, _OF_CONSTRUCTORS):
        return None
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    built = [f.f_locals.get("obj_cls") for f in frames if f.f_code.co_name == "build_from_cfg"]
    return built[-1].__name__ if built and hasattr(built[-1], "__name__") else None


def _message(error: Exception) -> str:
    kind = None if isinstance(error, InputError) else _built_by(error)
    if kind is None:
        return str(error).removesuffix("; ")
    return f"the config's {kind} cannot be built: {type(error).__name__}: {in_a_line(error)}"


class _Signals:
    """A context in which the first Ctrl-C or SIGTERM raises ``StoppedError``.

    Attributes:
        first: which signal came, or 0.
    """

    def __init__(self) -> None:
        self.first, self._since, self._process = 0, 0.0, 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        self.first, self._process = 0, os.getpid()
        if threading.current_thread() is not threading.main_thread():
            return
        quiet = int(os.environ.get("RANK", 0)) > 0  # ends at once, also within a collective call
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.SIG_DFL if quiet else self.receive
            self._before[number] = signal.signal(number, handler)

    def __exit__(self, *exc) -> None:
        self.first = 0
        while self._before:
            signal.signal(*self._before.popitem())

    def receive(self, number: int, frame: object = None) -> None:
        """Raise at the first; one more soon after is its echo, a later one is impatience."""
        if os.getpid() != self._process:  # a child inherits the handler
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if not self.first:
            self.first, self._since = number, time.monotonic()
            raise StoppedError(number)
        if time.monotonic() - self._since > 3:
            os._exit(128 + number)


_SIGNALS = _Signals()
