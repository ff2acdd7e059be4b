# The network that a search of the elastic space found, as it is: no factor.
_base_ = ["./retrain.py", "../../_base_/models/elastic_tiny.py"]

model = dict(arch="work_dirs/shapes_elastic_search_evolution/arch.json", **_base_.elastic_space)
