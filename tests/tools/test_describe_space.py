"""What describe_space.py says of a space, by hand and by its laws."""

import json

import numpy as np
import pytest

from mmpanonas.space.describe import SpaceCosts

TOOL = "tools/analysis_tools/describe_space.py"
ELASTIC = "configs/auto_panoptic/shapes/elastic_search_evolution.py"


def test_shares_of_cost_and_variance_by_hand():
    """A steady module of 6, and two that move against each other and alone."""
    macs = np.array([[6.0, 1, 3], [6, 3, 3], [6, 1, 3], [6, 3, 3]])
    costs = SpaceCosts(4, ("backbone", "mask_head", "neck"), macs)
    assert costs.shares.tolist() == pytest.approx([6 / 11, 2 / 11, 3 / 11])
    assert costs.variance_shares.tolist() == [0, 1, 0]
    assert costs.quantiles[0.5] == 11
    assert [r.split()[1] for r in costs.remarks()] == ["backbone", "neck"]
    assert "holds 55% of the cost and 0% of its variance" in costs.remarks()[0]


def test_the_published_space_cannot_spend_a_budget_and_the_elastic_one_can(call_tool):
    def modules(config: str) -> tuple[dict, dict]:
        code, out, err = call_tool(TOOL, config, "--shape", 96, 96, "--draws", 200, "--json")
        assert code in (0, None), err
        found = json.loads(out.splitlines()[-1])
        for key in ("share", "variance_share"):
            assert sum(m[key] for m in found["modules"].values()) == pytest.approx(1)
        return found["modules"]["backbone"], found

    published, _ = modules("configs/auto_panoptic/shapes/search_evolution.py")
    elastic, found = modules(ELASTIC)
    assert published["variance_share"] < 0.001
    assert elastic["variance_share"] > 10 * published["variance_share"]
    assert found["budgets"][0]["budget"].endswith("at most 150,000,000")
    assert 0 < found["budgets"][0]["share"] < 0.5


def test_it_says_it_in_words(call_tool):
    code, out, _ = call_tool(TOOL, ELASTIC, "--draws", 50, "--macs", "1e8")
    assert code in (0, None)
    assert "architectures; 50 drawn, one picture of 128 x 128" in out
    assert "of the draws keep: MACs of the network at 128x128 at most 100,000,000" in out


def test_a_fixed_network_has_no_space(call_tool):
    code, _, err = call_tool(TOOL, "configs/auto_panoptic/coco/retrain.py")
    assert code != 0
    assert "nothing to describe" in err
