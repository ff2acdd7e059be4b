# MMDetection's RetinaNet with DetNAS's searched backbone.
_base_ = ["mmdet::_base_/models/retinanet_r50_fpn.py", "./detnas_backbone.py"]

model = _base_.searched
