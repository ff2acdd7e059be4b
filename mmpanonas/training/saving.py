"""Checkpoints that neither a full disk nor a kill can cost."""

import io
from pathlib import Path

import torch
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mmpanonas.errors import InputError
from mmpanonas.files import remove_temporaries, write_atomically


def write_checkpoint(path: str | Path, content: dict) -> None:
    """Write what ``torch.save`` writes, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    held = io.BytesIO()
    torch.save(content, held)
    try:
        write_atomically(path, held.getvalue())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


@register_backend("whole")
class WholeFileBackend(LocalBackend):
    """MMEngine's files on a local disk, each written as a whole or not at all."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file."""
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(filepath, obj)


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """MMEngine's hook, which removes the oldest checkpoint before it writes the newest.

    Here it is removed afterwards, so that a disk needs room for one more than
    ``max_keep_ckpts``, and files are whole.

    Args:
        args, kwargs: of MMEngine's hook.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        elsewhere = self.file_client_args or "://" in str(self.out_dir)
        if self.backend_args is None and not elsewhere:
            self.backend_args = dict(backend="whole")

    def before_train(self, runner: Runner) -> None:
        """Remove what a killed run left half written; take over a work dir that was moved."""
        super().before_train(runner)
        if is_main_process() and Path(self.out_dir).is_dir():
            remove_temporaries(Path(self.out_dir), r".*\.pth")
        for key in [k for k in runner.message_hub.runtime_info if k.startswith("best_ckpt")]:
            own = self._here(runner.message_hub.get_info(key))
            runner.message_hub.update_info(key, own)
        if getattr(self, "best_ckpt_path", None):
            self.best_ckpt_path = self._here(self.best_ckpt_path)
        for key, path in getattr(self, "best_ckpt_path_dict", {}).items():
            self.best_ckpt_path_dict[key] = path and self._here(path)

    def _here(self, path: str) -> str:
        return self.file_backend.join_path(self.out_dir, Path(path).name)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        kept = list(self.keep_ckpt_ids) if self.max_keep_ckpts > 0 else []
        full = bool(kept) and len(kept) == self.max_keep_ckpts and step != kept[-1]
        oldest = self.keep_ckpt_ids.popleft() if full else None
        super()._save_checkpoint_with_step(runner, step, meta)
        if oldest is not None and oldest != step and is_main_process():
            path = self._here(self.filename_tmpl.format(oldest))
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
