"""What is remembered stays within its bound, and what is asked for stays longest."""

import random

from shared.values.recent import Budget, Recent


def test_what_is_asked_for_stays_and_the_rest_goes() -> None:
    recent: Recent[int, str | None] = Recent(100)
    recent.remember({-1: None})
    for number in range(1000):
        recent.remember({number: str(number)})
        assert recent.among([-1]) == {-1: None}
    kept = recent.among(range(1000))
    assert 50 <= len(kept) <= 100 and min(kept) >= 900


def test_however_much_comes_at_once_no_more_is_kept() -> None:
    recent: Recent[int, int] = Recent(100)
    recent.remember({number: number for number in range(1000)})
    assert 50 <= len(recent.among(range(1000))) <= 100


def test_what_is_kept_weighs_no_more_than_it_may() -> None:
    """Each half is passed by one entry at most; what is kept anew or has grown counts as it is now."""
    rng, heaviest = random.Random(3), 40
    recent: Recent[int, list[int]] = Recent(1000, lambda _, value: len(value))
    for _ in range(5000):
        key = rng.randrange(200)
        if (known := recent.among([key])) and rng.random() < 0.3:
            more = rng.randrange(1, 5)
            known[key].extend(range(more))
            recent.grew(more)
        else:
            recent.remember({key: [0] * rng.randrange(1, heaviest)})
        assert sum(map(len, recent.among(range(200)).values())) <= 1000 + 2 * heaviest
    assert len(recent.among(range(200))) > 10


def test_the_same_again_and_again_pushes_nothing_out() -> None:
    recent: Recent[str, str] = Recent(1000, lambda key, value: len(key) + len(value))
    recent.remember({"a": "x" * 100})
    for _ in range(100):
        recent.remember({"b": "y" * 100})
    assert recent.among(["a", "b"]).keys() == {"a", "b"}


def test_several_kinds_share_one_budget() -> None:
    """What nobody asks for any more makes room for what somebody does, of whatever kind."""
    budget = Budget(1000)
    once: Recent[int, int] = Recent(budget, 10)
    often: Recent[str, str] = Recent(budget, lambda key, value: len(key) + len(value))
    once.remember({number: number for number in range(40)})
    often.remember({"kept": "x" * 50})
    for number in range(200):
        often.remember({f"{number:03}": "y" * 7})
        assert often.among(["kept"])
    assert once.among(range(40)) == {}
    assert 40 <= len(often.among(f"{number:03}" for number in range(200))) <= 100
