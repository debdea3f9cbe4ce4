"""What the full tier does is what the gates ask for."""

from collections import Counter

from lab.chaos.campaigns import campaigns
from lab.chaos.faults import Kind
from shared.postgres.setup import SERVICES
from shared.runtime.failpoints import NAMES


def test_the_full_tier_has_the_faults_of_the_gates() -> None:
    faults = [fault for campaign in campaigns("full") for fault in campaign.faults]
    kinds = Counter(fault.kind for fault in faults)
    killed = Counter(fault.target for fault in faults if fault.kind is Kind.KILL_SERVICE and fault.calm)
    assert killed == {"usage_ingest": 50, "rating": 50, "billing": 50, "signals": 50}
    assert (kinds[Kind.KILL_POSTGRES], kinds[Kind.KILL_KAFKA], kinds[Kind.PAUSE]) == (100, 100, 50)


#: The month ends before the close that would correct it, and has no webhook endpoint. Who dies there instead dies in
#: tests/system/chaos/test_corrections.py and in tests/services/signals/webhooks/test_sender_killed.py. Who checks the books is
#: killed in tests/services/billing/conservation/test_checks.py: a month has one check in ten minutes.
ELSEWHERE = {"billing.after_check", "correct.before_telling", "webhook.after_send"}


def test_every_fail_point_kills_somebody() -> None:
    armed = {fault.point.partition(":")[0] for campaign in campaigns("full") for fault in campaign.armed}
    assert armed | ELSEWHERE == NAMES and not armed & ELSEWHERE


def test_the_broker_is_killed_only_where_there_is_one() -> None:
    for tier in ("short", "full"):
        for campaign in campaigns(tier):
            assert campaign.bus == "kafka" or all(
                fault.kind is not Kind.KILL_KAFKA for fault in campaign.faults
            )


def test_a_smaller_campaign_has_the_first_faults_each_kind_in_turn() -> None:
    [services] = (campaign for campaign in campaigns("full") if campaign.name == "services")
    smaller = services.of_size(12, 3000)
    assert Counter(fault.target for fault in smaller.faults) == dict.fromkeys(SERVICES, 3)
    assert smaller.events == 3000 and services.of_size(None, None) == services
