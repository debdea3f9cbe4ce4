"""Reading drafts: each page once, again while one of its drafts is stale; and when an event counts as visible."""

from collections import defaultdict

import msgspec
import pytest

from lab.bench.drafts import Billing, Draft, Page, Pages, ShownStatement, pages_of, read_all, uncovered
from lab.bench.latency import Sample


class ThreePages(Billing):
    """Three pages of one draft each; the second is stale the first two times it is read."""

    def __init__(self) -> None:
        super().__init__("", "")
        self.read: dict[str | None, int] = defaultdict(int)

    async def page(self, cursor: str | None, limit: int = 200) -> Page:
        self.read[cursor] += 1
        number = int(cursor or 0)
        stale = number == 1 and self.read[cursor] <= 3
        batch = 5 if stale else 9
        draft = Draft(f"doc-{number}", f"contract-{number}", (ShownStatement({"0": batch}),), stale=stale)
        return Page([draft], number < 2, str(number + 1))


async def test_a_page_is_read_again_while_one_of_its_drafts_is_stale() -> None:
    pages = ThreePages()
    known = await pages_of(pages)
    assert known == Pages([None, "1", "2"], "doc-0") and pages.read == {None: 1, "1": 1, "2": 1}
    reading = await read_all(pages, known)
    assert (reading.drafts, reading.again) == (3, 2)
    assert reading.covered == {f"contract-{number}": {"0": 9} for number in range(3)}
    assert pages.read == {None: 3, "1": 4, "2": 2}


class Growing(Billing):
    """A list of drafts, the newest first, two a page."""

    def __init__(self, drafts: list[str]) -> None:
        super().__init__("", "")
        self.drafts = drafts

    async def page(self, cursor: str | None, limit: int = 200) -> Page:
        older = [name for name in self.drafts if cursor is None or name < cursor]
        data = [Draft(name, f"contract-{name}", stale=False) for name in older[:2]]
        return Page(data, len(older) > 2, older[:2][-1])


@pytest.mark.parametrize("newer", range(6))
async def test_drafts_that_came_on_top_of_the_list_push_none_out_of_what_is_read(newer: int) -> None:
    api = Growing([*"edcba"])
    known = await pages_of(api)
    api.drafts = [*"zyxwv"[:newer], *api.drafts]
    reading = await read_all(api, known)
    assert reading.drafts == 5 + newer and set(reading.covered) == {f"contract-{name}" for name in api.drafts}


def test_a_commit_that_knows_no_stale_drafts_is_understood() -> None:
    told = b'{"data": [{"id": "d", "contract": "a", "statement": {"watermark": {"0": 3}}, "lines": []}], "has_more": false, "next_cursor": null}'
    (draft,) = msgspec.json.decode(told, type=Page).data
    assert draft.stale is msgspec.UNSET and draft.watermark == {"0": 3}


def test_a_draft_covers_its_customer_when_it_has_the_last_batch_of_every_partition() -> None:
    last = {"a": {"0": 4, "1": 7}, "b": {"0": 5}, "c": {"2": 1}}
    assert uncovered({"a": {"0": 4, "1": 6}, "b": {"0": 6}}, last) == ["a", "c"]


def test_an_event_is_visible_at_the_first_answer_that_covers_it_whenever_its_batch_is_known() -> None:
    sample = Sample(b"", "acme", accepted_at=10.0)
    sample.shown = [(10.1, {}), (10.4, {"1": 3}), (10.7, {"1": 5}), (11.0, {"1": 8})]
    sample.look()
    assert not sample.visible_at, "nobody knows its batch yet"
    sample.partition, sample.batch_id = "1", 5
    sample.look()
    assert sample.visible_at == 10.7
