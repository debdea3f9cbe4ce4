"""SQL of the candidates of suspense: the subjects of which some event may wait for a customer, a meter or a contract. Beside those
that a mark still names no other subject has one that does, so that nobody needs to look for it among all."""

from collections.abc import Iterable

import asyncpg

from services.rating.metering.repository.columns import numbers

#: After an insert into `suspense_candidates`: whoever looks at one meanwhile does not remove it.
NOTED = """on conflict (subject) do update set look = null where suspense_candidates.look is not null"""


class CandidateRepository:
    """Who makes usage wait, or may, notes its subject in the same transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def note(self, subject_numbers: Iterable[int]) -> None:
        """Note these subjects."""
        await self._connection.execute(
            f"""insert into rating.suspense_candidates (subject)
                select subject from unnest(string_to_array($1, ',')::bigint[]) t (subject_no)
                join rating.usage_subjects using (subject_no) order by subject {NOTED}""",
            numbers(subject_numbers),
        )

    async def note_all(self) -> None:
        """Note every subject that has usage."""
        await self._connection.execute(
            f"""insert into rating.suspense_candidates (subject)
                select subject from rating.usage_subjects order by subject {NOTED}"""
        )
