"""The short tier: every kind of fault once or twice, over each bus; nothing is lost, nothing counts twice,
every invoice equals the oracle."""

from pathlib import Path

import pytest

from lab.chaos.campaigns import campaigns
from lab.chaos.faults import Kind
from lab.chaos.run import play
from tests.needs import NEEDS_KAFKA
from u2c.deployment import kafka_broker

KAFKA = pytest.param("kafka", marks=NEEDS_KAFKA)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bus", ["postgres", KAFKA])
async def test_everything_acknowledged_survives(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = kafka_broker.libraries_folder()
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    monkeypatch.setattr(kafka_broker, "libraries_folder", lambda: jars)  # fetched once, wherever the state is
    (campaign,) = (each for each in campaigns("short") if each.bus == bus)
    months = await play(campaign, bus, 20_250_301, print)
    assert [finding for month in months for finding in month.findings] == []
    strikes = [strike for month in months for strike in month.strikes]
    assert {strike.fault.kind for strike in strikes} >= {
        Kind.KILL_SERVICE,
        Kind.KILL_POSTGRES,
        Kind.PAUSE,
        Kind.REJOIN,
        Kind.FAIL_POINT,
    }
    # Who dies at a fail-point dies in the midst of work, whatever else waits.
    aimed = [strike for strike in strikes if strike.fault.kind is not Kind.FAIL_POINT]
    assert all(strike.lag for strike in aimed), "a fault with nothing left to do proves nothing"
