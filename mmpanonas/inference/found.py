"""What one call of an inferencer has found so far: an error loses nothing of it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from mmdet.structures import DetDataSample

from mmpanonas.errors import InputError, in_a_line, keeping
from mmpanonas.evaluation import PanopticResults


class PicturesError(InputError):
    """Some pictures came to nothing; what became of the others is in ``results``."""

    def __init__(self, problems: Sequence[str], results: dict, total: int) -> None:
        shown = "; ".join(problems[:10])
        more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
        done = len(results["predictions"])
        super().__init__(f"{done} of {total} pictures segmented: {shown}{more}")
        self.problems, self.results = list(problems), results


class Found:
    """Results and problems of a call.

    Args:
        out_dir: where it writes, for errors.

    Attributes:
        results: what the call returns: ``predictions`` and ``visualization``, lists.
        entries: predictions as dictionaries, of which the JSON is made.
        problems: a line for each thing that could not be done.
    """

    def __init__(self, out_dir: str | os.PathLike) -> None:
        self.out_dir = out_dir
        self.results: dict[str, list] = dict(predictions=[], visualization=[])
        self.entries: list[dict] = []
        self.problems: list[str] = []

    @contextmanager
    def writing(self, finish: Callable[[], None]) -> Iterator[None]:
        """A part that ends, with a problem, where a file cannot be written; then ``finish``.

        After Ctrl-C and SIGTERM as well, which raise ``StoppedError``.
        """
        try:
            with keeping(self._safe), self._noting():
                yield
        finally:
            with self._noting():
                finish()

    def _safe(self) -> str:
        kept = f"; what was found is in {self.out_dir}" if self.out_dir else ""
        return f"{len(self.entries)} pictures were segmented{kept}"

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.problems.append(f"cannot write to {self.out_dir}: {error.strerror or error}")

    def predict(self, forward: Callable[[dict], list[DetDataSample]], data: dict) -> list:
        """``forward`` of a batch; whatever it raises, such as of memory, is a problem of those."""
        try:
            return forward(data)
        except Exception as error:
            samples = data["data_samples"]
            names = ", ".join(one.img_path or f"picture {one.img_id}" for one in samples)
            self.problems.append(f"{names} cannot be segmented: {in_a_line(error)[:300]}")
            return []

    def draw(
        self,
        pictures: Sequence[np.ndarray],
        samples: Sequence[DetDataSample],
        draw: Callable[..., list[np.ndarray] | None],
    ) -> None:
        """Call ``draw`` with one picture after the other, in lists, and keep what it returns.

        Whatever it raises is a problem of that picture.
        """
        for picture, sample in zip(pictures, samples, strict=True):
            try:
                self.results["visualization"] += draw([picture], [sample]) or []
            except Exception as error:  # a drawing must not cost the results of the call
                name = sample.img_path or f"picture {sample.img_id}"
                said = getattr(error, "strerror", None) or in_a_line(error)[:300]
                self.problems.append(f"{name} cannot be drawn: {said}")

    def write_json(self, files: PanopticResults) -> None:
        """Write the JSON of the predictions; its ``images`` name the inputs."""
        keys = ("image_id", "file_name", "segments_info")
        images = [
            dict(id=p["image_id"], file_name=p["img_path"], height=p["height"], width=p["width"])
            for p in self.entries
        ]
        annotations = [{key: entry[key] for key in keys} for entry in self.entries]
        files.write_json(annotations, images=images)

    def end(self, total: int) -> dict:
        """The results of ``total`` pictures. Raises ``PicturesError`` if there are problems."""
        if self.problems:
            raise PicturesError(self.problems, self.results, total)
        return self.results
