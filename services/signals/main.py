"""Signals, wired."""

from dataclasses import dataclass

from services.signals.domain.policy import Policy
from services.signals.evaluation.api import router as evaluation
from services.signals.evaluation.jobs import JOBS as EVALUATION_JOBS
from services.signals.facts.api import router as facts
from services.signals.facts.jobs import JOBS as FACT_JOBS
from services.signals.renewals.jobs import JOBS as RENEWAL_JOBS
from services.signals.replica.consumers import SUBSCRIPTIONS
from services.signals.roster.api import router as roster
from services.signals.settings import SignalsSettings, read_policy
from services.signals.webhooks.api import router as webhooks
from services.signals.webhooks.jobs import JOBS as WEBHOOK_JOBS
from services.signals.webhooks.usecases.seal import reseal
from services.signals.webhooks.usecases.send import Lanes
from shared.http.audit import audit_router
from shared.http.exceptions import Work, exceptions_router
from shared.http.freshness import freshness_router
from shared.runtime.context import Foundation
from shared.runtime.service import Service, build
from shared.sealing import Seal


@dataclass(frozen=True)
class SignalsState:
    """What one process of signals keeps: the lanes send what the seal opens."""

    policy: Policy
    seal: Seal
    lanes: Lanes


async def setup(foundation: Foundation[SignalsSettings]) -> SignalsState:
    """The policy is read once; what an older key sealed is sealed anew; the lanes send the webhooks."""
    settings = foundation.settings
    policy = read_policy(settings.policy_file)
    seal = Seal(settings.webhook_key, settings.webhook_key_previous)
    async with foundation.db.transaction() as uow:
        await reseal(uow, seal)
    return SignalsState(policy, seal, Lanes(foundation, seal))


#: What nothing but a person resolves.
BY_PERSON = {"webhook_given_up": "the signal was replayed, or its receiver has it from elsewhere"}
EXCEPTIONS = exceptions_router("list_signals_exceptions", "signals:read", Work("signals:write", BY_PERSON))
FRESHNESS = freshness_router("get_signals_freshness", "signals:read")
AUDIT = audit_router("list_signals_audit")

SERVICE = Service[SignalsSettings, SignalsState](
    name="signals",
    port=8104,
    settings=SignalsSettings,
    routers=(roster, evaluation, facts, webhooks, EXCEPTIONS, FRESHNESS, AUDIT),
    subscriptions=SUBSCRIPTIONS,
    jobs=(*EVALUATION_JOBS, *RENEWAL_JOBS, *FACT_JOBS, *WEBHOOK_JOBS),
    setup=setup,
    description="What usage says before revenue does: consumption, trend, activation, renewals, and the webhooks that tell of them.",
)
app = build(SERVICE)
