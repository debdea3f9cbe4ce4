"""Signals, wired."""

from services.signals.evaluation.api import router as evaluation
from services.signals.evaluation.jobs import JOBS as EVALUATION_JOBS
from services.signals.facts.api import router as facts
from services.signals.replica.consumers import SUBSCRIPTIONS
from services.signals.settings import SignalsSettings, read_policy
from services.signals.webhooks.api import router as webhooks
from services.signals.webhooks.jobs import JOBS as WEBHOOK_JOBS
from services.signals.webhooks.usecases.seal import SEAL, reseal, seal_of
from services.signals.webhooks.usecases.send import Lanes
from shared.http.exceptions import exceptions_router
from shared.runtime.service import Context, Service, build
from shared.sealing import Seal


async def setup(context: Context) -> None:
    """The policy is read once; what an older key sealed is sealed anew; the lanes send the webhooks."""
    context.state["policy"] = read_policy(context.settings.policy_file)
    context.state[SEAL] = Seal(context.settings.webhook_key, context.settings.webhook_key_previous)
    async with context.db.transaction() as uow:
        await reseal(uow, seal_of(context))
    context.state["lanes"] = Lanes(context)


EXCEPTIONS = exceptions_router("list_signals_exceptions", "signals:read")

app = build(
    Service(
        name="signals",
        port=8104,
        settings=SignalsSettings,
        routers=(evaluation, facts, webhooks, EXCEPTIONS),
        subscriptions=SUBSCRIPTIONS,
        jobs=(*EVALUATION_JOBS, *WEBHOOK_JOBS),
        setup=setup,
        description="What usage says before revenue does: consumption, trend, activation, renewals, and the webhooks that tell of them.",
    )
)
