"""Of several revisions of one statement only the newest counts, whole."""

from collections.abc import Iterable

from shared.topics.rating import StatementMessage


def newest_of_each(statements: Iterable[StatementMessage]) -> list[StatementMessage]:
    """Return the newest revision of each statement, in order of statement id (the order in which rows are
    locked)."""
    newest: dict[str, StatementMessage] = {}
    for statement in statements:
        other = newest.get(statement.statement_id)
        if other is None or other.revision < statement.revision:
            newest[statement.statement_id] = statement
    return [newest[key] for key in sorted(newest)]
