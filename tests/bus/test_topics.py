"""The topic table: what names one thing is its record's key, and what keeps things together chooses the partition."""

import pytest

from shared.topics import ALL, TopicKind
from shared.topics.rating import ACTIVITY, STATEMENTS, ActivityMessage
from tests.billing.statements import pages_of, statement_of

SNAPSHOTS = [topic for topic in ALL.values() if topic.kind is TopicKind.SNAPSHOT]


def test_months_and_pages_of_one_contract_have_keys_of_their_own_and_one_partition() -> None:
    said = [page for month in (1, 2, 3) for page in pages_of(statement_of(month=month, amounts=(1, 2, 3)), 1)]
    assert len(said) == 9 == len({STATEMENTS.record_key(page) for page in said})
    assert {STATEMENTS.partition_key(page) for page in said} == {b"ua-2013"}
    assert STATEMENTS.record_key(statement_of(revision=1)) == STATEMENTS.record_key(statement_of(revision=2, final=True)), "a newer one replaces it"


def test_activity_is_one_of_a_subject_meter_and_day_and_lies_with_its_customer() -> None:
    def active(subject: str, meter: str = "calls", day: str = "2026-01-01", customer: str | None = "acme") -> ActivityMessage:
        return ActivityMessage(subject, meter, day, 1, {}, customer and "cus_1", customer)

    different = [active("a"), active("b"), active("a", "users"), active("a", day="2026-01-02"), active('a","calls')]
    assert len({ACTIVITY.record_key(message) for message in different}) == len(different)
    assert {ACTIVITY.partition_key(message) for message in different} == {b"acme"}
    stray = active("a", customer=None)
    assert ACTIVITY.partition_key(stray) == b"a" and ACTIVITY.record_key(stray) == ACTIVITY.record_key(active("a"))


@pytest.mark.parametrize("topic", SNAPSHOTS, ids=lambda topic: topic.name)
def test_a_topic_says_both_in_words(topic) -> None:  # type: ignore[no-untyped-def]
    assert topic.partitioned_by.words and topic.identified_by.words
