"""The topic table: what names one thing is its record's key, and what keeps things together chooses the
partition."""

import pytest

from shared.topics import ALL, TopicKind
from shared.topics.graph import GRAPH
from shared.topics.rating import ACTIVITY, STATEMENTS, ActivityMessage
from tests.services.billing.statements import pages_of, statement_of

SNAPSHOTS = [topic for topic in ALL.values() if topic.kind is TopicKind.SNAPSHOT]


def test_months_and_pages_of_one_contract_have_keys_of_their_own_and_one_partition() -> None:
    said = [page for month in (1, 2, 3) for page in pages_of(statement_of(month=month, amounts=(1, 2, 3)), 1)]
    assert len(said) == 9 == len({STATEMENTS.record_key(page) for page in said})
    assert {STATEMENTS.partition_key(page) for page in said} == {b"ua-2013"}
    assert STATEMENTS.record_key(statement_of(revision=1)) == STATEMENTS.record_key(
        statement_of(revision=2, final=True)
    ), "a newer one replaces it"


def test_activity_is_one_of_a_subject_meter_and_day_and_lies_with_its_customer() -> None:
    def active(
        subject: str, meter: str = "calls", day: str = "2026-01-01", customer: str | None = "acme"
    ) -> ActivityMessage:
        return ActivityMessage(subject, meter, day, 1, {}, customer and "cus_1", customer)

    different = [
        active("a"),
        active("b"),
        active("a", "users"),
        active("a", day="2026-01-02"),
        active('a","calls'),
    ]
    assert len({ACTIVITY.record_key(message) for message in different}) == len(different)
    assert {ACTIVITY.partition_key(message) for message in different} == {b"acme"}
    stray = active("a", customer=None)
    assert ACTIVITY.partition_key(stray) == b"a" and ACTIVITY.record_key(stray) == ACTIVITY.record_key(
        active("a")
    )


@pytest.mark.parametrize("topic", SNAPSHOTS, ids=lambda topic: topic.name)
def test_a_topic_says_both_in_words(topic) -> None:  # type: ignore[no-untyped-def]
    assert topic.partitioned_by.words and topic.identified_by.words


@pytest.mark.parametrize("topic", ALL.values(), ids=lambda topic: topic.name)
def test_what_is_not_heard_after_it_is_said_takes_another_pass(topic) -> None:  # type: ignore[no-untyped-def]
    """Whoever waits for everything asks the services one after the other: each pair of them is served by that
    order, or by a second pass."""
    for producer in set(topic.producers) & set(GRAPH.order):
        not_after = [
            heard
            for heard in topic.consumers
            if heard == producer or GRAPH.in_order([heard, producer])[0] == heard
        ]
        assert not not_after or topic.own_consumer or topic.name in GRAPH.back


def test_a_service_that_usage_does_not_pass_is_asked_last() -> None:
    assert GRAPH.in_order(["zebra", "signals", "rating"]) == ["rating", "signals", "zebra"]
