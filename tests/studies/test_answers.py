"""The answers of a ranking study on made-up results, each known by hand."""

import math

import numpy as np
import pytest

from studies.ranking.answers import answers, choices
from tests.studies.made_up import alone, made_up_results, spread_of


@pytest.fixture(scope="module")
def found():
    return answers(made_up_results(), resamples=200)


def value(estimate: dict) -> float:
    assert estimate["low"] <= estimate["value"] + 1e-9
    assert estimate["value"] <= estimate["high"] + 1e-9
    return estimate["value"]


def test_spread_noise_and_their_ratio(found):
    """Two seeds 1 apart: each deviates by half, so the variance is 2 x 0.25 / (2 - 1)."""
    noise = found["noise"]
    assert (noise["networks"], noise["repeated"]) == (24, 24)
    assert value(noise["spread"]) == pytest.approx(spread_of(24))
    assert noise["noise"]["value"] == pytest.approx(math.sqrt(0.5))
    assert noise["noise"]["low"] == pytest.approx(noise["noise"]["high"])
    assert value(noise["ratio"]) == pytest.approx(spread_of(24) / math.sqrt(0.5))


def test_ranking_and_its_ceiling(found):
    ranking = found["ranking"]
    assert ranking["kendall_tau"] == pytest.approx(dict(value=1, low=1, high=1))
    # So do the costs, which rise with the networks.
    assert ranking["cost_kendall_tau"] == pytest.approx(dict(value=1, low=1, high=1))
    assert ranking["over_cost"] == dict(value=0, low=0, high=0)
    # Networks 2 apart move 1 up and 1 down by turns: 31 = 31, 34 - 1 = ... half of the
    # neighbours (those that move towards each other) tie in the second list.
    pairs = 24 * 23 / 2
    assert value(ranking["ceiling_kendall_tau"]) == pytest.approx(
        (pairs - 12) / math.sqrt(pairs * (pairs - 12))
    )


def test_steps_are_compared_with_what_searches_use(found):
    sampling, recalibration = found["sampling"], found["recalibration"]
    assert value(sampling["fair"]["kendall_tau"]) == 1
    assert value(sampling["uniform"]["kendall_tau"]) == pytest.approx(-1)
    assert value(sampling["uniform"]["difference"]) == pytest.approx(-2)
    assert sampling["fair"]["difference"] == dict(value=0, low=0, high=0)
    assert (sampling["fair"]["mean"], sampling["uniform"]["mean"]) == (11.5, -11.5)
    # Odd against even: of 144 pairs 78 agree and 66 do not; 276 pairs in the other list.
    expected = (78 - 66) / math.sqrt(144 * 276)
    assert value(recalibration["none"]["kendall_tau"]) == pytest.approx(expected)
    assert value(recalibration["none"]["difference"]) == pytest.approx(expected - 1)


def test_what_searches_return_against_all_drawn_networks(found):
    random, evolution = found["search"]["Random"], found["search"]["Evolution"]
    assert value(random["PQ"]) == 73  # 74 and 72
    assert value(random["regret"]) == 3  # the best drawn has 76
    assert value(random["gain"]) == 73 - 53
    # Below them are 22 and 21 of 24, and they themselves count half.
    assert value(random["percentile"]) == pytest.approx(100 * (22.5 + 21.5) / 2 / 24)
    assert (random["searches"], random["networks"]) == (2, 2)
    assert value(evolution["percentile"]) == 100
    assert value(evolution["regret"]) == -14


def test_a_choice_against_the_network_of_equal_cost():
    results = made_up_results(noise=0.0)
    choice = answers(results, resamples=1000)["choice"]["Evolution"]
    assert (choice["choice"], choice["baseline"], choice["seeds"]) == (91, 81, [3, 3])
    assert choice["difference"]["value"] == 10
    # Deviations: 48 zeros of the drawn, and -1, 0, 1 twice, times sqrt(3 / 2).
    deviation = math.sqrt(4 * 1.5 / 54)
    width = choice["difference"]["high"] - choice["difference"]["low"]
    assert width == pytest.approx(2 * 1.96 * deviation * math.sqrt(2 / 3), rel=0.25)


def test_the_interval_of_a_difference_covers_it_nineteen_times_in_twenty():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(200):
        results = made_up_results()
        for network in results["networks"][:24]:
            network["alone"] = alone(*rng.normal(50, 2, 2))
        for place, mean in ((24, 55), (25, 53)):
            results["networks"][place]["alone"] = alone(*rng.normal(mean, 2, 3))
        difference = choices(results)["Evolution"]["difference"]
        covered += difference["low"] <= 2 <= difference["high"]
    assert 180 <= covered <= 199


def test_fusions_differ_by_what_was_put_in(found):
    released = found["fusion"]["released"]
    for key, change in dict(PQ=-0.5, PQ_th=1.0, PQ_st=-2.0).items():
        estimate = released[f"{key}_difference"]
        assert [estimate[k] for k in ("value", "low", "high")] == pytest.approx([change] * 3)
    assert found["fusion"]["paper"]["PQ"] == pytest.approx(53)
    assert found["fusion"]["paper"]["PQ_difference"]["value"] == 0


def test_what_results_do_not_allow_is_said():
    results = made_up_results(networks=4)
    for network in results["networks"]:
        network["alone"] = network["alone"][:1]
        network["scores"] = dict.fromkeys(network["scores"], 0.0)
    results |= dict(searches=[], choices=[])
    found = answers(results, resamples=200)
    assert found["noise"] == dict(reason="no network was trained with several seeds")
    assert "all scores of one list are equal" in found["ranking"]["reason"]
    assert found["search"] == dict(reason="no search has ended")
    assert "kendall_tau" not in found["sampling"]
    assert found["fusion"]["paper"]["PQ"] == 33
