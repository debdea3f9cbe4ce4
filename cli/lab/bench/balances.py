"""`u2c bench balances`: what money agreed beforehand costs the whole flow. The benchmark with a commitment and a block on
each contract, and without, in turns."""

from collections.abc import Callable
from dataclasses import replace

from lab.bench.rounds import Round, Rounds
from lab.bench.run import Wanted, bench
from lab.bench.spent import CLIENT


async def measure_balances(wanted: Wanted, rounds: int, say: Callable[[str], None]) -> Rounds:
    """Rates and CPU of both, round by round; `rate_ratio` is the rate with balances by the one without. Which of the two
    goes first changes from round to round."""
    found = []
    for number in range(rounds):
        figures = {}
        for balances in (False, True) if number % 2 == 0 else (True, False):
            said = "with balances" if balances else "without"
            say(f"round {number + 1} of {rounds}: {said} …")
            async with bench(replace(wanted, balances=balances), say) as running:
                figures[balances] = (await running.run()).compared(besides=CLIENT)
        found.append(_round(figures[True], figures[False]))
    return found


def _round(having: Round, without: Round) -> Round:
    return {
        "rate_ratio": round(having["events_per_s"] / without["events_per_s"], 3),
        "cpu_ratio": round(having["cpu_us_per_event"] / without["cpu_us_per_event"], 3),
        "draft_cpu_ratio": round(having["cpu_us_per_draft_closing"] / without["cpu_us_per_draft_closing"], 3),
        **{f"{name}_with": value for name, value in having.items()},
        **{f"{name}_without": value for name, value in without.items()},
    }
