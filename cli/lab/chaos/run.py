"""Plays campaigns: a month a deployment, faults as they come, the verdict at its end."""

import asyncio
import shutil
import time
from collections.abc import Callable

import httpx2

from lab.bench.deployment import Deployment, deployment
from lab.chaos.assailant import Assailant, NotReached, NotRecovered
from lab.chaos.campaigns import Campaign
from lab.chaos.faults import Fault
from lab.chaos.lag import Lag
from lab.chaos.month import Month
from lab.chaos.played import SETTINGS, Played
from lab.chaos.producer import GaveUp, Producer
from lab.chaos.upheavals import acts
from lab.chaos.verdict import findings
from lab.departures.client import Client, Refused
from tests.system.spine.conductor import set_up
from tests.system.spine.world import CLOCK_STARTS, make_world
from u2c.deployment.state import State

ARMED_WAIT_S = 120.0
MONTHS_MAX = 20  # of one campaign


async def play(campaign: Campaign, bus: str, seed: int, say: Callable[[str], None]) -> list[Played]:
    """Play months until the campaign's faults are done, or one month has findings."""
    played: list[Played] = []
    left = list(campaign.faults)
    while (left or not played) and len(played) < MONTHS_MAX:
        month = await _play_month(campaign, bus, seed + len(played), left, say)
        played.append(month)
        if month.findings:
            return played
    if left:
        played[-1].findings.append(f"{len(left)} faults could not be done in {MONTHS_MAX} months")
    return played


async def _play_month(
    campaign: Campaign, bus: str, seed: int, left: list[Fault], say: Callable[[str], None]
) -> Played:
    """Takes from `left` what it does."""
    say(
        f"{campaign.name} over {bus}, month of seed {seed}: {campaign.events:,} events, {len(left)} faults to do"
    )
    played, began = Played(campaign.name, bus, seed), time.monotonic()
    async with deployment(
        bus, "chaos", restart=True, clock_at=CLOCK_STARTS, environment=SETTINGS
    ) as deployed:
        client = Client(deployed.cluster.urls, deployed.cluster.admin_key)
        client.patient = True
        month = Month(
            client,
            Producer(deployed.cluster.urls["usage_ingest"], deployed.cluster.admin_key),
            make_world(seed, campaign.events),
            seed,
        )
        lag = Lag(deployed.cluster.database_url, month.producer, deployed.heads())
        assailant = Assailant(deployed, left, lag, say)
        month.also(acts(campaign.upheaval, client, deployed.cluster.database_url))
        try:
            await set_up(client)
            for service in campaign.doubled:
                await deployed.cluster.add(service)
            await _under_fire(month, assailant, campaign)
            found, played.figures = await findings(deployed, month)
            played.findings += found
        except (NotReached, NotRecovered, GaveUp, Refused, httpx2.TransportError) as fault:
            played.findings.append(f"{type(fault).__name__}: {fault}")
        finally:
            played.strikes, played.seconds = assailant.strikes, time.monotonic() - began
            await lag.close()
            await client.close()
            _keep_logs(deployed, played)
    return played


async def _under_fire(month: Month, assailant: Assailant, campaign: Campaign) -> None:
    """Play the month while faults are done; a fault that is under way when it ends is done to its end."""
    month.gate = assailant.wait_for_hunger
    playing = asyncio.create_task(month.play(), name="month")
    armed = [
        asyncio.create_task(assailant.arm(fault), name=f"armed {fault.target}") for fault in campaign.armed
    ]
    striking = [asyncio.create_task(assailant.run(), name="assailant"), *armed]
    looking = asyncio.create_task(month.be_looked_at(), name="onlooker")
    try:
        waiting = {playing, looking, *striking}
        while not playing.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        if armed:
            # whoever is dead is not waited for by a moving clock
            await asyncio.wait(armed, timeout=ARMED_WAIT_S)
        assailant.stop()
        await asyncio.gather(*striking)
        await assailant.all_ready()
        await month.settle()
    finally:
        for task in (playing, looking, *striking):
            task.cancel()
        await asyncio.gather(playing, looking, *striking, return_exceptions=True)


def _keep_logs(deployed: Deployment, played: Played) -> None:
    """The logs of a month with findings outlive its deployment."""
    if played.findings:
        kept = (
            State.default().folder
            / "chaos-logs"
            / f"{played.campaign.replace(' ', '-')}-{played.bus}-{played.seed}"
        )
        shutil.copytree(deployed.cluster.options.state.logs(), kept, dirs_exist_ok=True)
        played.findings.append(f"the services' logs are in {kept}")
