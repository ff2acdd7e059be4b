# The network that a search of the elastic space found, as it is: no factor.
_base_ = ["./retrain.py", "../../_base_/models/elastic.py"]

model = dict(arch="work_dirs/ade20k_elastic_search_evolution/arch.json", **_base_.elastic_space)
