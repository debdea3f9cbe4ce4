"""The server's CPU by statement, from what it writes into its log of each: getrusage of parsing, binding and
executing. Writing that costs about a tenth, so it is done when asked for, and no figure of such a run is compared.
"""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

#: How an entry begins, by the `log_line_prefix` of shared.postgres.server_settings.
BEGINS = re.compile(r"^\S+ \S+ \S+ \[\d+\] (\S*?)@\S* (\w+):  (.*)", re.DOTALL)
USED = re.compile(r"^\t!\t([\d.]+) s user, ([\d.]+) s system, [\d.]+ s elapsed", re.MULTILINE)
WRITES = re.compile(r"\b(insert into|update|delete from|copy)\s+([a-z_]+\.[a-z_0-9]+)", re.IGNORECASE)
READS = re.compile(r"\b(?:from|join)\s+([a-z_]+\.[a-z_0-9]+)", re.IGNORECASE)
EXECUTED = ("QUERY STATISTICS", "EXECUTE MESSAGE STATISTICS")
LABEL_CHARACTERS = 40


@dataclass
class Group:
    """Statements that do one thing: how often they ran, and their CPU seconds."""

    calls: int = 0
    cpu_s: float = 0.0


@dataclass
class Groups:
    """(role, what is done) → what it came to."""

    found: dict[tuple[str, str], Group] = field(default_factory=dict)

    def read(self, lines: Iterable[str]) -> None:
        """Add what these lines of the server's log say."""
        for role, title, cpu_s, statement in _entries(lines):
            group = self.found.setdefault((role, label_of(statement)), Group())
            group.calls += title in EXECUTED
            group.cpu_s += cpu_s

    def per_event(self, events: int) -> list[dict[str, str | float]]:
        """Most expensive first: role, statement, µs an event, calls an event and µs a call."""
        ordered = sorted(self.found.items(), key=lambda item: -item[1].cpu_s)
        return [
            {
                "role": role,
                "statement": statement,
                "us_per_event": round(group.cpu_s / events * 1e6, 3),
                "calls_per_event": round(group.calls / events, 5),
                "us_per_call": round(group.cpu_s / max(group.calls, 1) * 1e6, 1),
            }
            for (role, statement), group in ordered
        ]


@asynccontextmanager
async def logged(admin: asyncpg.Connection, log: Path) -> AsyncIterator[Groups]:
    """Have the server log what each statement of the block costs; what is given is filled when the block ends."""
    groups, start = Groups(), log.stat().st_size
    await _switch(admin, "on")
    try:
        yield groups
    finally:
        await _switch(admin, "off")
    with log.open(encoding="utf-8", errors="replace") as lines:
        lines.seek(start)
        groups.read(lines)


async def _switch(admin: asyncpg.Connection, to: str) -> None:
    await admin.execute(f"alter system set log_statement_stats = {to}")
    await admin.fetchval("select pg_reload_conf()")


def label_of(statement: str) -> str:
    """What a statement does: what it writes first, else what it reads first, else how it begins."""
    text = " ".join(statement.replace('"', "").split())
    if written := WRITES.search(text):
        return f"{written[1].lower()} {written[2]}"
    if read := READS.search(text):
        return f"select {read[1]}"
    return text[:LABEL_CHARACTERS] or "(no text)"


@dataclass
class _Part:
    """A part of the log: who caused it, what kind it is (LOG, DETAIL, STATEMENT, …), and its text."""

    role: str
    kind: str
    text: str


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str, float, str]]:
    """Role, title, CPU seconds and statement of each entry of statistics; other entries are passed over. An entry is
    a title, a detail with the figures, and the statement."""
    title, cpu_s = "", 0.0
    for part in _parts(lines):
        if part.kind == "LOG":
            title = part.text.strip()
        elif part.kind == "DETAIL" and (used := USED.search(part.text)):
            cpu_s = float(used[1]) + float(used[2])
        elif part.kind == "STATEMENT" and title.endswith("STATISTICS"):
            yield part.role, title, cpu_s, part.text
            title, cpu_s = "", 0.0


def _parts(lines: Iterable[str]) -> Iterator[_Part]:
    part = _Part("", "", "")
    for line in lines:
        if begins := BEGINS.match(line):
            yield part
            role, kind, text = begins.groups()
            part = _Part(role.removeprefix("u2c_"), kind, text)
        else:
            part.text += line
    yield part
