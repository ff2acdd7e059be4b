# MMDetection's Faster R-CNN on a feature pyramid with DetNAS's searched backbone.
_base_ = ["mmdet::_base_/models/faster-rcnn_r50_fpn.py", "./detnas_backbone.py"]

model = _base_.searched
