"""Widths and depths searched under a budget: training, search, resume, retraining."""

import json

from mmengine.runner import Runner

from mmpanonas.space import Arch, Budget, NetworkShape

#: One generation of three, on pictures of 64 x 64.
SEARCH = {
    "val_cfg.recalibration.num_images": 4,
    "val_cfg.recalibration.batch_size": 2,
    "val_cfg.strategy.generations": 2,
    "val_cfg.strategy.population": 3,
    "val_cfg.strategy.parents": 1,
    "val_cfg.strategy.mutants": 1,
    "val_cfg.strategy.crosses": 1,
}


def test_a_budget_is_spent_and_the_network_that_is_found_is_trained_as_it_is(
    shapes_config, tmp_path
):
    supernet = shapes_config("elastic_supernet")
    Runner.from_cfg(supernet).train()

    def search(name: str, resume: bool = False) -> list[dict]:
        work_dir = tmp_path / name
        options = {"work_dir": str(work_dir), "visualizer.name": f"{name}{resume}"}
        config = shapes_config(
            "elastic_search_evolution", **SEARCH, **options, **{"val_cfg.resume": resume}
        )
        config.load_from = str(tmp_path / "elastic_supernet/iter_12.pth")
        Runner.from_cfg(config).val()
        return [json.loads(line) for line in (work_dir / "results.jsonl").read_text().splitlines()]

    results = search("whole")
    config = shapes_config("elastic_search_evolution", **SEARCH)
    budget, shape = Budget(**config.val_cfg.budgets[0]), NetworkShape.of_model(config.model)
    for result in results:
        cost = budget.measure.of(Arch.from_dict(result["arch"]), shape)
        assert 0.9 * budget.limit <= cost <= budget.limit
        assert cost == result["cost"][budget.measure.key]
    stopped = tmp_path / "stopped"
    search("stopped")
    path = stopped / "results.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert search("stopped", resume=True) == results

    retrain = shapes_config("elastic_retrain", **{"train_cfg.val_interval": 12})
    retrain.model.arch = str(stopped / "arch.json")
    runner = Runner.from_cfg(retrain)
    runner.train()
    assert sum(p.numel() for p in runner.model.parameters()) == Budget(
        "params", 0, "network"
    ).measure.of(Arch.load(stopped / "arch.json"), shape)
