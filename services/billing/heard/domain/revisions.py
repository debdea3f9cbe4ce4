"""Of several revisions of one statement only the newest counts, whole."""

from collections.abc import Iterable

import msgspec

from shared.topics.rating import StatementMessage


def newest_of_each(statements: Iterable[StatementMessage]) -> list[StatementMessage]:
    """Return the newest revision of each statement, in order of statement id (the order in which rows are locked)."""
    newest: dict[str, StatementMessage] = {}
    for statement in statements:
        other = newest.get(statement.statement_id)
        if other is None or other.revision < statement.revision:
            newest[statement.statement_id] = statement
    return [newest[key] for key in sorted(newest)]


def joined(pages: Iterable[StatementMessage]) -> StatementMessage:
    """Return the whole statement of a full set of pages of one revision, lines in page order."""
    ordered = sorted(pages, key=lambda page: page.page)
    first = ordered[0]
    assert [page.page for page in ordered] == list(range(1, first.pages + 1)), "every page once"
    assert len({(page.statement_id, page.revision) for page in ordered}) == 1, "pages of one revision"
    return msgspec.structs.replace(first, lines=tuple(line for page in ordered for line in page.lines), page=1, pages=1)
