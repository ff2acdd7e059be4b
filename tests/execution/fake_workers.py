"""Evaluators that trouble the workers of Ray; apart from the tests, since workers import this."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from mmpanonas.errors import InputError
from mmpanonas.execution import WorkerBrokenError
from mmpanonas.space import Arch
from mmpanonas.strategies import Random
from tests.execution.fake import SPACE, Fake


@dataclass
class Patient(Fake):
    """After three candidates it waits for the file ``go``."""

    go: Path = Path()

    def __call__(self, arch: Arch) -> dict[str, float]:
        while self.calls >= 3 and not self.go.exists():
            time.sleep(0.05)
        return super().__call__(arch)


class Stuck(Fake):
    """One candidate hangs where no signal reaches it, as in a call into C."""

    def __call__(self, arch: Arch) -> dict[str, float]:
        if arch == Random(SPACE, total=12).propose(12)[4]:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            time.sleep(600)
        return super().__call__(arch)


@dataclass
class Breaking(Fake):
    """The fourth evaluation breaks the process, once."""

    once: Path = Path()

    def __call__(self, arch: Arch) -> dict[str, float]:
        if self.calls == 3 and not self.once.exists():
            self.once.touch()
            raise WorkerBrokenError("no GPU")
        return super().__call__(arch)


@dataclass
class Stopping(Fake):
    """During the fourth evaluation its process is told to end, once."""

    once: Path = Path()

    def __call__(self, arch: Arch) -> dict[str, float]:
        if self.calls == 3 and not self.once.exists():
            self.once.touch()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        return super().__call__(arch)


def no_data() -> Fake:
    raise InputError("annotation file x.json does not exist")


def killed() -> Fake:
    os.kill(os.getpid(), signal.SIGKILL)
