"""A file as export_onnx.py writes it, and a picture, for the code of a page."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx


def write_deployed(path: Path, picture: Path) -> None:
    """An ONNX file with the inputs and outputs of a whole network, in which all is grass."""
    graph = onnx.parser.parse_graph(
        "panoptic (uint8[1, h, w, 3] picture, int64[2] size)"
        " => (int32[own_h, own_w] panoptic, int64[n, 3] segments) {"
        " panoptic = ConstantOfShape <value = int32[1] {2}> (size)"
        " one = Constant <value = int64[1, 1] {1}> ()"
        " number = Constant <value = int64[1, 1] {2}> ()"
        " pixels = ReduceProd (size)"
        " shape = Constant <value = int64[2] {1, 1}> ()"
        " area = Reshape (pixels, shape)"
        " segments = Concat <axis = 1> (number, one, area) }"
    )
    file = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    file.ir_version = 9
    facts = dict(form="panoptic", classes=["car", "grass"], things=1, scale=[1333, 800])
    facts |= dict(keep_ratio=True, interpolation="bilinear")
    onnx.helper.set_model_props(file, {"mmpanonas": json.dumps(facts)})
    onnx.save(file, path)
    cv2.imwrite(str(picture), np.zeros((60, 80, 3), np.uint8))
