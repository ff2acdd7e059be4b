"""The one kind of error that a user can mend, shown without a traceback by the tools."""

import os
import re
import signal
import sys
from collections.abc import Callable


class InputError(ValueError):
    """Bad input: says what was given, what was expected and what to do."""


#: What MMEngine's registry puts before the message of an error in a constructor.
_BUILT_BY = re.compile(r"(class `\w+` in [\w/.]+: )+")


def run_tool(main: Callable[[], None], *expected: type[Exception]) -> None:
    """Call ``main``; a user's error becomes one line on stderr and exit code 2.

    Args:
        main: the tool.
        expected: errors besides :class:`InputError` whose messages say enough.
    """
    try:
        main()
    except (InputError, *expected) as error:
        # On a line of its own, also after a progress bar.
        print(f"\nerror: {_BUILT_BY.sub('', str(error))}", file=sys.stderr, flush=True)
        if int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", 0)):
            os.kill(os.getppid(), signal.SIGTERM)  # torchrun would start it again, in vain
        sys.exit(2)
