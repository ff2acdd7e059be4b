"""A study of budgets: its plan, its jobs, what its results say, its page."""

import numpy as np
import pytest

from mmpanonas.config import find_named, load_config
from mmpanonas.errors import InputError
from mmpanonas.space import Part, SearchSpace
from studies.budgets.answers import RIVALS, answers, holm, price
from studies.budgets.choosing import predict, unlike
from studies.budgets.collecting import SIDES, collect
from studies.budgets.page import write_budget_page
from studies.budgets.study import BudgetStudy
from tests.conftest import ROOT, SMALL
from tests.studies.made_up import alone
from tests.visualization.test_report import Balanced

CONFIG = ROOT / "studies/budgets/configs/shapes.py"


@pytest.fixture
def study(shapes_root, tmp_path):
    options = SMALL | {"data_root": f"{shapes_root}/", "budgets.draws": 3, "budgets.seeds": 2}
    options |= {"budgets.probes": 3, "budgets.pool": 12}
    supernet = load_config(str(CONFIG), options)
    name = find_named(supernet, "budgets.alone")
    return BudgetStudy(supernet, load_config(name, options), tmp_path)


def test_networks_of_a_budget_cost_alike(study):
    for limit in study.plan.limits:
        assert study.network_cost(study.plain(limit)) == pytest.approx(limit, rel=0.01)
        assert study.network_cost(study.widened_to(limit)) == pytest.approx(limit, rel=0.15)
        for network in study.drawn_at(limit):
            assert 0.9 * limit < study.network_cost(network) <= limit
            assert set(network.arch.backbone) == {"shuffle_3x3"}
            assert network.arch.mask_head == network.arch.semantic_head == ("conv_3x3",)
        assert study.drawn_at(limit) == study.drawn_at(limit)


def test_a_fixed_head_of_plain_convolutions_costs_what_mmdetections_does(study):
    """The ranking study's plain network has ``FCNMaskHead``: 76.237427 M multiply-accumulates."""
    assert study.network_cost(study.plain(76.3e6)) == 76_237_427


def test_choices_come_before_rivals_and_luck_is_chosen_on_nas_val(study):
    phases, limit = study.phases(), study.plan.limits[0]
    assert [job["kind"] for job in next(phases)[1]] == ["supernet"]
    (job,) = next(phases)[1]
    assert (job["kind"], job["limit"]) == ("search", limit)
    archs = [study.space.decode([code] * len(study.space.num_choices)) for code in (0, 1)]
    found = dict(finalists=[arch.to_dict() for arch in archs], score=40.0, asked=9, seconds=5.0)
    study.records.append(dict(job=job["job"], **found))
    assert study.finished() == []
    _, probes = next(phases)
    assert len(probes) == 3
    assert all(job["held_out"] and job["iterations"] == 200 for job in probes)
    finish(study, probes, scores=(10.0, 20.0, 15.0))
    _, finalists = next(phases)
    assert all(job["held_out"] and "iterations" not in job for job in finalists)
    assert [job["arch"] for job in finalists[:2]] == [arch.to_dict() for arch in archs]
    assert len(finalists) == 4
    finish(study, finalists, scores=(20.0, 30.0, 25.0, 29.0))
    assert study.searched(limit).arch == archs[1]
    assert study.finished() == []
    _, jobs = next(phases)
    assert len(jobs) == 3 * 2
    assert not any(job["held_out"] for job in jobs)
    finish(study, jobs)
    _, draws = next(phases)
    assert all(job["held_out"] for job in draws)
    assert study.finished() == [limit]
    assert list(study.sides(limit)) == list(SIDES[:3])  # shown before the draws are trained
    finish(study, draws, scores=(10.0, 30.0, 20.0))
    _, last = next(phases)
    assert [job["arch"] for job in last] == [draws[1]["arch"]] * 2
    finish(study, last)
    assert study.finished() == [limit]
    study.records.append(dict(job="supernet-sandwich", seconds=100.0, checkpoint="a.pth"))
    (found,) = collect(study)["limits"]
    assert list(found["sides"]) == list(SIDES)
    assert [n["alone"][0]["fusions"]["paper"]["PQ"] for n in found["draws"]] == [10, 30, 20]


def finish(study, jobs, scores=None):
    scores = scores or [50.0] * len(jobs)
    for job, score in zip(jobs, scores, strict=True):
        (record,) = alone(score)
        study.records.append(record | dict(job=job["job"]))


def made_up():
    scores = dict(
        searched=(64, 65, 66), plain=(60, 61, 62), widened=(61, 61, 61), luckiest=(65,) * 3
    )
    sides = {
        name: dict(cost=8e7, arch=dict(backbone=["xception"]), model={}, alone=alone(*values))
        for name, values in scores.items()
    }
    draws = [dict(cost=8e7, arch={}, model={}, alone=alone(50.0)) for _ in range(8)]
    finalists, probes = draws[:4], [dict(seconds=20.0)] * 16
    search = dict(score=70.0, asked=200, seconds=30.0)
    limits = [
        dict(limit=8e7, search=search, sides=sides, finalists=finalists, draws=draws, probes=probes)
    ]
    plan = dict(seeds=3, limits=[8e7, 9e7])
    return dict(
        plan=plan, cost="network_macs_96x96", size=4e11, supernet=1000.0, limits=limits,
        command="", config="", device="CPU",
    )  # fmt: skip


def test_differences_by_hand():
    found = {a["rival"]: a for a in answers(made_up())["differences"]}
    plain = found["plain"]
    assert plain["difference"]["value"] == pytest.approx(4)
    # Means of three with standard deviation 1: the error is sqrt(2 / 3), t(4) at 97.5 % 2.776.
    half = 2.7764451 * np.sqrt(2 / 3)
    assert plain["difference"]["low"] == pytest.approx(4 - half)
    assert plain["p"] == pytest.approx(0.008049893)
    assert plain["holm"] == pytest.approx(3 * min(a["p"] for a in found.values()))
    assert found["luckiest"]["difference"]["value"] == pytest.approx(0)
    assert set(found) == set(RIVALS)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1, 1]


def test_the_price_counts_each_training_once():
    assert price(made_up()) == dict(
        supernet=1000, searches=30 + 16 * 20 + 4 * 60, trainings=60, luck=9 * 60
    )


def test_the_page_holds_the_answers(tmp_path):
    results = made_up()
    results["answers"] = answers(results)
    write_budget_page(results, tmp_path / "budgets.html")
    page = (tmp_path / "budgets.html").read_text()
    Balanced(page)
    for text in ("<td>65.00 (80.0)</td>", "4.00 [1.73, 6.27]", "1 of 2 budgets", "9 min"):
        assert text in page, text


def test_a_page_before_the_draws(tmp_path):
    results = made_up()
    (only,) = results["limits"]
    del only["sides"]["luckiest"]
    only["draws"] = []
    results["answers"] = answers(results)
    assert [a["rival"] for a in results["answers"]["differences"]] == ["plain", "widened"]
    write_budget_page(results, tmp_path / "budgets.html")
    assert "luckiest" not in (tmp_path / "budgets.html").read_text().partition("What it took")[0]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("budgets.strategy", "Luck", "budgets.strategy: expected"),
        ("budgets.evaluations", 7, "7 evaluations do not divide"),
        ("budgets.spend", 2.0, "spend"),
        ("budgets.probes", 500, "no more than the 400 of budgets.pool, got 500"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(shapes_root, key, value, message):
    config = load_config(str(CONFIG), {"data_root": f"{shapes_root}/"})
    config[key.split(".")[0]][key.split(".")[1]] = value
    with pytest.raises(InputError, match=message):
        BudgetStudy.plan_type.from_config(config)


def test_finalists_are_the_best_that_are_unlike():
    space = SearchSpace([Part("backbone", 8)])
    codes = {(0,) * 8: 9.0, (0,) * 7 + (1,): 8.0, (0,) * 6 + (1, 1): 7.0, (1,) * 8: 6.0}
    scores = {space.decode(c): score for c, score in codes.items()}
    archs = list(scores)
    assert unlike(scores, space, 1) == archs[:1]
    assert unlike(scores, space, 3) == [archs[0], archs[2], archs[3]]
    assert unlike(scores, space, 4) == archs  # too few are unlike
    assert unlike(scores, space, 9) == archs


def test_a_prediction_finds_what_scores_are_made_of():
    """Scores are linear in the logarithm of a width and in one operation: both are found."""
    widths = Part("stage_widths", 5, operations=["x50", "x100", "x200"])
    space = SearchSpace([Part("backbone", 2), widths, Part("things_to_stuff", 4, whole=True)])
    rng = np.random.default_rng(0)

    def score(arch):
        wide = {"x50": -1, "x100": 0, "x200": 1}
        return 50 + 2 * wide[arch.stage_widths[3]] + (arch.backbone[1] == "xception")

    known = {arch: score(arch) for arch in (space.sample(rng) for _ in range(40))}
    pool = [space.sample(rng) for _ in range(20)]
    found = predict(space, known, pool)
    assert list(found) == pool
    for arch, value in found.items():
        assert value == pytest.approx(score(arch), abs=0.2)


def test_a_prediction_without_signal_is_the_mean():
    space = SearchSpace([Part("backbone", 12)])
    rng = np.random.default_rng(0)
    known = {space.sample(rng): float(value) for value in rng.normal(50, 1, 12)}
    mean = np.mean(list(known.values()))
    found = predict(space, known, [space.sample(rng) for _ in range(20)])
    assert np.abs(np.array(list(found.values())) - mean).max() < 0.7


def test_a_limit_that_few_networks_spend_ends_in_a_line(study):
    with pytest.raises(InputError, match=r"found 1 of 3 networks .* change budgets.limits"):
        study.drawn_at(30.6e6)  # the cheapest costs 30.593 M
