"""The schedule of judgements. Safe in any number of workers and replicas; none of it is a due instant of the clock."""

from services.signals.context import SignalsContext
from services.signals.renewals.usecases.judge_terms import judge_terms
from services.signals.renewals.usecases.learn import learn as learn_from_outcomes
from shared.runtime.jobs import Job

JUDGE_EVERY_S, JUDGE_SOON_S, TERMS_MAX = 30.0, 5.0, 50
LEARN_EVERY_S = 60.0


async def judge(context: SignalsContext) -> None:
    """Judge every term of which what followed is known."""
    while await _judge(context):
        pass


async def _judge(context: SignalsContext) -> int:
    async with context.db.transaction() as uow:
        return await judge_terms(uow, context.clock.now(), TERMS_MAX)


async def learn(context: SignalsContext) -> None:
    """Learn from outcomes that are new."""
    async with context.db.transaction() as uow:
        await learn_from_outcomes(uow, context.clock.now())


JOBS = (
    Job("judge_terms", JUDGE_EVERY_S, judge, soon_s=JUDGE_SOON_S),
    Job("learn", LEARN_EVERY_S, learn),
)
