"""p_renew is what the outcomes say: the penalised likelihood has its maximum there, and below sixty it is the base
rate."""

import random
from dataclasses import replace
from math import exp, log

import pytest

from services.signals.domain.renewal_model import Features, Outcome, RenewalModel, fit


def outcomes(many: int, seed: int = 7) -> list[Outcome]:
    """Drawn by a law: who is silent and fell leaves more often."""
    draw = random.Random(seed)
    found = []
    for _ in range(many):
        fall, gone, silent = draw.random(), draw.random(), draw.randrange(60)
        features = Features(max(fall, gone), fall, gone, silent, draw.randrange(300), draw.randrange(30, 900))
        lost = draw.random() < 1 / (1 + exp(-(3 * fall + 0.5 * log(1 + silent) - 4)))
        found.append(Outcome(features, lost))
    return found


def fitted(of: list[Outcome]) -> RenewalModel:
    found = fit(of)
    assert found is not None
    return found


def worth(model: RenewalModel, weights: list[float], of: list[Outcome]) -> float:
    """The penalised log-likelihood, written anew."""
    told = 0.0
    for one in of:
        vector = [
            (value - scaling.centre) / scaling.scale
            for value, scaling in zip(one.features.vector(), model.scaling, strict=True)
        ]
        p = 1 / (1 + exp(-(weights[0] + sum(w * x for w, x in zip(weights[1:], vector, strict=True)))))
        told += log(p if one.lost else 1 - p)
    return told - sum(w * w for w in weights[1:]) / 2


def test_no_other_weights_explain_the_outcomes_better() -> None:
    of = outcomes(300)
    model = fitted(of)
    best = worth(model, list(model.weights), of)
    for at in range(len(model.weights)):
        for step in (-1e-3, 1e-3):
            moved = [weight + (step if at == place else 0) for place, weight in enumerate(model.weights)]
            assert worth(model, moved, of) < best, f"weight {at}"


def test_on_average_it_says_what_happened() -> None:
    """The constant carries no penalty, so what is forecast of those it was learned from sums to what they did."""
    of = outcomes(400)
    model = fitted(of)
    said = sum(1 - model.p_renew(one.features) for one in of)
    assert said == pytest.approx(sum(one.lost for one in of), abs=1e-5)


def test_the_order_of_outcomes_is_none_of_its_business() -> None:
    of = outcomes(200)
    assert fitted(of) == fitted(list(of))
    assert fitted(of[::-1]).weights == pytest.approx(fitted(of).weights, abs=1e-9)


def test_below_sixty_outcomes_it_is_the_base_rate() -> None:
    few, enough = outcomes(59), outcomes(60)
    model = fitted(few)
    assert not model.is_fitted
    assert {model.p_renew(one.features) for one in few} == {1 - sum(one.lost for one in few) / 59}
    assert fitted(enough).is_fitted
    assert fit([]) is None


@pytest.mark.parametrize("lost", [True, False])
def test_where_all_ended_alike_there_is_nothing_to_tell_apart(lost: bool) -> None:
    of = [Outcome(one.features, lost) for one in outcomes(100)]
    model = fitted(of)
    assert not model.is_fitted and model.p_renew(of[0].features) == 1 - lost


def test_what_separates_perfectly_still_has_an_answer() -> None:
    """Without a ridge the weights would grow without end."""
    of = [
        Outcome(Features(float(lost), float(lost), 0.0, 60 * lost, 0, 100), bool(lost))
        for lost in [0, 1] * 100
    ]
    model = fitted(of)
    stays, leaves = model.p_renew(of[0].features), model.p_renew(of[1].features)
    assert 0.95 < stays < 1 and 0 < leaves < 0.05


def test_what_lies_beyond_all_that_was_learned_from_is_taken_as_its_bound() -> None:
    """Everybody had been there for about ninety days; of two years nothing was learned."""
    of = [
        replace(one, features=replace(one.features, days_since_first_use=90 + number % 2))
        for number, one in enumerate(outcomes(200))
    ]
    model, known = fitted(of), of[1].features
    assert known.days_since_first_use == 91
    assert model.p_renew(replace(known, days_since_first_use=730)) == model.p_renew(known)


def test_very_many_outcomes_are_thinned_out_and_keep_their_share() -> None:
    """Eight thousand of which six were lost: one in eight is learned from, and on average six are forecast."""
    of = [replace(one, lost=number % 1_300 == 0) for number, one in enumerate(outcomes(7_801))]
    model = fitted(of)
    assert model.is_fitted and model.outcomes == 7_801 and model.base_rate == 7 / 7_801
    assert sum(1 - model.p_renew(one.features) for one in of) == pytest.approx(7, abs=2)
