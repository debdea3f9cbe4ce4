"""What metering, the checker and the list of suspense read of an event's data, each by code of its own: the
same of any data the door lets in."""

import asyncio
import json

import asyncpg
import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.billing.conservation.checks.facts import at, label, quantity
from services.rating.disposition.repository.suspense import LABEL
from services.rating.metering.domain.fields import FieldReader
from services.rating.metering.domain.scalar import label_of, quantity_of
from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.payload import canonical, read_data
from tests.conftest import TestServer

NAMES = st.sampled_from(("a", "b", "0", "1", "-1", "01"))
NUMBERS = st.one_of(
    st.integers(-(10**64), 10**64).map(str),
    st.tuples(st.integers(-(10**55), 10**55), st.integers(0, 40), st.integers(-99, 99)).map(
        lambda of: f"{of[0]}.{'0' * of[1]}1e{of[2]}"
    ),
    st.sampled_from(("-0.0", "0e99", "1.10", "1e19", "9999999999999999999.9", "1e-12", "1e-13")),
)
TEXTS = st.one_of(
    st.sampled_from(("", "a", "1.50", "+1", "1\n", " 1", "x" * 128, "x" * 129, "é" * 64, "é" * 65)),
    st.text(max_size=40),
)
SCALARS = st.one_of(NUMBERS, TEXTS.map(json.dumps), st.sampled_from(("true", "false", "null")))


def _lists(of: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(of, max_size=3).map(lambda items: f"[{','.join(items)}]")


def _objects(of: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.dictionaries(NAMES, of, max_size=3).map(
        lambda items: "{" + ",".join(f'"{name}":{value}' for name, value in items.items()) + "}"
    )


DATA = _objects(st.recursive(SCALARS, lambda of: st.one_of(_lists(of), _objects(of)), max_leaves=8))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(".".join)
READ = f"""select {label(at("e.names"))} as label, {quantity(at("e.names"))} as quantity, {LABEL} as filtered
    from unnest($1::text[], $2::text[]) with ordinality asked (data, path, n)
    cross join lateral (select asked.data::jsonb as data, string_to_array(asked.path, '.') as names) e
    cross join lateral (select names as p) path order by n"""
LONG_FRACTION = "1.2345678901234567890123456789012345678901234567890123e-99"


@settings(max_examples=40)
@given(st.lists(st.tuples(DATA, PATHS), min_size=1, max_size=20))
@example(
    [
        ('{"a":["x",5]}', "a.0"),
        ('{"a":["x",5]}', "a.1"),
        ('{"a":["x",5]}', "a.-1"),
        ('{"a":{"1":5}}', "a.1"),
        ('{"a":[[7]]}', "a.0.0"),
    ]
)
@example([(f'{{"a":{LONG_FRACTION}}}', "a")])
def test_whoever_reads_an_event_reads_the_same_of_any_data(
    postgres_server: TestServer, asked: list[tuple[str, str]]
) -> None:
    async def law() -> None:
        connection = await asyncpg.connect(postgres_server.admin_url)
        try:
            stored = [(data, path) for text, path in asked if (data := _as_stored(text)) is not None]
            rows = await connection.fetch(
                READ, [data.decode() for data, _ in stored], [path for _, path in stored]
            )
            for (data, path), row in zip(stored, rows, strict=True):
                fields = FieldReader([path])
                value = fields.getter(path)(fields.decode(data))
                assert tuple(row) == (label_of(value), quantity_of(value), label_of(value)), (data, path)
        finally:
            await connection.close()

    asyncio.run(law())


def _as_stored(text: str) -> bytes | None:
    """The data as the door passes it on; None for what it quarantines."""
    try:
        return canonical(read_data(text.encode())[0])
    except (EventFault, msgspec.DecodeError, UnicodeEncodeError):
        return None
