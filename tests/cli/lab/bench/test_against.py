"""Two commits in turns: what is said of them, whose turn it is, and, for real, that another commit is driven
by its own code."""

import subprocess
from pathlib import Path

import pytest

from lab.bench import against
from lab.bench.against import Comparison, compare
from lab.bench.checkout import Checkout, own, worktree
from lab.bench.door import DoorWanted, door_of
from lab.bench.rounds import medians
from lab.bench.scene import driven_scene
from shared.environment_fault import EnvironmentFault
from u2c.deployment.state import ROOT


def said(_line: str) -> None:
    """Nobody reads along."""


def test_medians_and_what_differs() -> None:
    found = Comparison(
        "abc",
        [{"cpu": 10.0, "late": 1.0}, {"cpu": 30.0}, {"cpu": 11.0}],
        [{"cpu": 10.0}, {"cpu": 10.0}, {"cpu": 9.0}],
    )
    assert medians(found.this) == {"cpu": 11.0}
    assert found.difference_percent() == {"cpu": 10.0}
    assert found.shown()["pairs"] == 3 and len(found.shown()["this"]["runs"]) == 3
    assert Comparison("abc", [{"cpu": 1.0}], [{"cpu": 0.0}]).difference_percent() == {"cpu": None}


async def test_each_goes_first_in_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    monkeypatch.setattr(against, "worktree", lambda _revision: _there(Checkout(tmp_path, "other")))
    order: list[str] = []

    async def measure(checkout: Checkout) -> dict[str, float]:
        order.append(checkout.name)
        return {"cpu": float(len(order))}

    found = await compare("other", 3, measure, said)
    this = own().name
    assert order == [this, "other", "other", this, this, "other"]
    assert [run["cpu"] for run in found.this] == [1, 4, 5] and [run["cpu"] for run in found.other] == [
        2,
        3,
        6,
    ]


def test_a_commit_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="no commit nowhere"), worktree("nowhere"):
        raise AssertionError


def test_another_checkout_gets_nothing_of_this_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("U2C_DATABASE", "of the caller")
    monkeypatch.setenv("VIRTUAL_ENV", "/of/the/caller")
    environment = Checkout(tmp_path, "other").environment(tmp_path / "state")
    assert (
        environment["U2C_STATE"] == str(tmp_path / "state")
        and "U2C_DATABASE" not in environment
        and "VIRTUAL_ENV" not in environment
    )


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_worktree_runs_is_measured_and_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    with worktree("HEAD") as checkout:
        assert checkout.root != ROOT and (checkout.root / "u2c").is_file()
        async with driven_scene(checkout, "postgres", "driven") as scene:
            services = {"usage_ingest", "rating", "billing", "signals", "postgres"}
            assert set(scene.deployed.pids()) == services
            assert await scene.deployed.breaks(scene.auditor) == [], "an empty book holds"
            found = await door_of(scene, DoorWanted(events=2_000, rounds=1), said)
        assert [one["cpu_us_per_event"] > 1 for one in found] == [True]
    assert not checkout.root.exists() and not (tmp_path / "driven").exists()
    listed = subprocess.run(
        ("git", "-C", str(ROOT), "worktree", "list"), capture_output=True, text=True, check=True
    ).stdout
    assert str(checkout.root) not in listed


class _there:
    """A context that gives what it was made of."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout

    def __enter__(self) -> Checkout:
        return self.checkout

    def __exit__(self, *_: object) -> None:
        """Nothing to remove."""
