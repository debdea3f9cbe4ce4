"""Whoever puts a record on the bus cannot keep the books from being checked by how it is written."""

import asyncpg
import pytest

from services.billing.conservation.checks.worth import Worth, source_of
from tests.conftest import TestDatabase


def nested(depth: int) -> bytes:
    return b'{"source":"a","type":"call","data":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
async def test_a_record_that_is_nested_too_deep_is_worth_nothing_that_is_known(
    database: TestDatabase, depth: int
) -> None:
    assert source_of(nested(depth)) in ("a", "")
    connection = await asyncpg.connect(database.admin_url)
    try:
        worth = Worth[str](connection)
        await worth.add("pile", nested(depth))
        assert await worth.of("pile") == ()
    finally:
        await connection.close()
