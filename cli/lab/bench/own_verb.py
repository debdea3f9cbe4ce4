"""A stage measured by a commit's own `u2c bench`: where it is made of the product's own functions, another commit
has others."""

import asyncio
import json
import subprocess

from lab.bench.checkout import ERROR_TAIL_CHARACTERS, Checkout
from lab.bench.rounds import Round, Rounds
from shared.environment_fault import EnvironmentFault
from u2c.deployment.state import State


async def own_rounds(checkout: Checkout, stage: str, *flags: str) -> Rounds:
    """The rounds that `u2c bench STAGE` of this commit finds; EnvironmentFault where it cannot."""
    running = await asyncio.create_subprocess_exec(
        *checkout.command("bench", stage, "--json", *flags),
        cwd=checkout.root,
        env=checkout.environment(State.default().folder / "own-verb"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, errors = await running.communicate()
    if running.returncode:
        raise EnvironmentFault(
            f"u2c bench {stage} of {checkout.name} ended with {running.returncode}: "
            f"{errors.decode()[-ERROR_TAIL_CHARACTERS:]}",
            f"Name a commit that has `u2c bench {stage}`.",
        )
    rounds: list[Round] = json.loads(said)["rounds"]
    return rounds
