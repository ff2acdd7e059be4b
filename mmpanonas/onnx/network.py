"""Pictures through an exported network: NumPy, OpenCV and onnxruntime, no PyTorch.

The file says how pictures are resized for it, and what its classes are.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnxruntime

from mmpanonas.errors import InputError, in_a_line
from mmpanonas.onnx.pictures import pixels, resized

#: Of what a file says of itself, among its metadata.
KEY = "mmpanonas"


@dataclass(frozen=True)
class Panoptic:
    """The panoptic map of a picture.

    Attributes:
        panoptic_seg: segment ids int32 (H, W), 0 is void.
        segments_info: of every segment ``id``, ``category_id`` (label + 1), ``category`` (its
            name), ``isthing``, and ``area`` in pixels.
    """

    panoptic_seg: np.ndarray
    segments_info: list[dict]


class Network:
    """A network of ``tools/deployment/export_onnx.py``.

    Args:
        path: of the file.
        threads: of one picture's work; None: as many as there are cores.
        providers: of onnxruntime, such as ``["CUDAExecutionProvider"]``.

    Attributes:
        facts: what the file says of itself: ``form``, ``classes``, ``things``, ``scale``, ...

    Raises:
        InputError: no such file, or none that the tool wrote.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        threads: int | None = None,
        providers: Sequence[str] = ("CPUExecutionProvider",),
    ) -> None:
        path = os.fspath(path)
        if not os.path.isfile(path):
            raise InputError(f"{path} does not exist: expected a file of export_onnx.py")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(path, options, list(providers))
        except Exception as error:  # onnxruntime has an exception for each of its statuses
            raise InputError(f"{path} cannot be run: {in_a_line(error)[:300]}") from error
        said = self.session.get_modelmeta().custom_metadata_map.get(KEY)
        if said is None:
            raise InputError(f"{path} is no file of export_onnx.py: it says nothing of pictures")
        self.facts: dict = json.loads(said)

    @cached_property
    def outputs(self) -> list[str]:
        """Names of what :meth:`run` returns."""
        return [output.name for output in self.session.get_outputs()]

    def __call__(self, picture: np.ndarray | str | os.PathLike) -> Panoptic:
        """Segment a picture: a path, or uint8 (H, W, 3) BGR as OpenCV reads it.

        Raises:
            InputError: it cannot be read, or the file holds the raw branches or a backbone.
        """
        if self.facts["form"] != "panoptic":
            raise InputError(f"a file of the form {self.facts['form']!r} has no maps: call run()")
        picture = pixels(picture)
        inputs = dict(picture=self.resized(picture)[None], size=np.array(picture.shape[:2]))
        panoptic, segments = self.session.run(["panoptic", "segments"], inputs)
        return Panoptic(panoptic, [self._described(*map(int, row)) for row in segments])

    def run(self, pictures: Sequence[np.ndarray | str | os.PathLike]) -> dict[str, np.ndarray]:
        """What the raw branches or the backbone say of pictures that are resized to one size.

        Returns:
            ``picture_index``, ``boxes``, ``scores``, ``labels``, ``masks`` and ``semantic``, or
            ``stage_1`` to the last (docs/deployment.md).

        Raises:
            InputError: the file holds the whole network, or the sizes differ.
        """
        if self.facts["form"] == "panoptic":
            raise InputError("this file makes maps: call it with a picture")
        batch = [self.resized(pixels(picture)) for picture in pictures]
        if len({picture.shape for picture in batch}) != 1:
            raise InputError(
                f"pictures of sizes {sorted({p.shape[:2] for p in batch})} make no batch: give "
                f"one or more of one size"
            )
        values = self.session.run(self.outputs, dict(pictures=np.stack(batch)))
        return dict(zip(self.outputs, values, strict=True))

    def resized(self, picture: np.ndarray) -> np.ndarray:
        """A picture (H, W, 3) in the size that the network was trained for."""
        keys = ("scale", "keep_ratio", "interpolation")
        return resized(picture, *(self.facts[key] for key in keys))

    def _described(self, number: int, label: int, area: int) -> dict:
        return dict(
            id=number,
            category_id=label + 1,
            category=self.facts["classes"][label],
            isthing=label < self.facts["things"],
            area=area,
        )
