"""Where a run writes."""

import os
from pathlib import Path

from mmengine.config import Config

from mmpanonas.datasets.files import try_writing
from mmpanonas.errors import ConfigError


def set_work_dir(cfg: Config, path: str, work_dir: str | None) -> None:
    """Choose the work dir (argument, config, or from the config's name) and try to write.

    Raises:
        ConfigError: unwritable or full.
    """
    path = Path(path).absolute()
    default = Path("work_dirs") / f"{path.parent.name}_{path.stem}"
    cfg.work_dir = work_dir or cfg.get("work_dir") or str(default)
    check_writable(cfg.work_dir, "work dir", "--work-dir")


def check_writable(folder: str | os.PathLike, what: str, option: str) -> None:
    """Make ``folder`` and try to write there.

    Raises:
        ConfigError: unwritable or full; ``option`` of the command line chooses another one.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        try_writing(Path(folder))
    except OSError as error:
        raise ConfigError(
            f"cannot write to the {what} {folder}: {error.strerror}; choose another {option}"
        ) from None
