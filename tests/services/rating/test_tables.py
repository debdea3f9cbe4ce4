"""The described tables are the migrated ones."""

import asyncpg

from services.rating.tables import metadata
from shared.postgres.migrations import differences
from tests.conftest import TestDatabase


async def test_the_migrated_database_is_what_the_tables_say(database: TestDatabase) -> None:
    assert await differences(database.admin_url, metadata, "rating") == []


async def test_what_a_correction_says_is_kept_without_being_compressed(database: TestDatabase) -> None:
    admin = await asyncpg.connect(database.admin_url)
    try:
        rows = await admin.fetch(
            """select attname, attstorage::text as how from pg_attribute where attrelid = 'rating.corrections'::regclass
                and attname in ('said', 'explanation')"""
        )
    finally:
        await admin.close()
    assert {row["attname"]: row["how"] for row in rows} == {"said": "e", "explanation": "e"}
