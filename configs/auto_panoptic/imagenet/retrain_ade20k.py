# ADE20K's searched backbone, in a work dir of its own.
_base_ = "./retrain.py"

model = dict(backbone=dict(arch="{{ fileDirname }}/../archs/ade20k.json"))
