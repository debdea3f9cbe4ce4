"""Whether a service's schema is at the head of its Alembic history: part of /readyz."""

import ast
from functools import cache
from pathlib import Path

import asyncpg


@cache
def _head(service: str) -> str | None:
    """The revision no other one follows. Read from the files: importing Alembic would double a service's
    start and memory."""
    folder = Path(__file__).parents[2] / "services" / service / "migrations" / "versions"
    histories = [_assigned(path) for path in folder.glob("*.py") if not path.name.startswith("_")]
    heads = {names["revision"] for names in histories} - {names["down_revision"] for names in histories}
    assert len(heads) <= 1, f"{folder} has {len(heads)} heads: {sorted(map(str, heads))}"
    return next(iter(heads), None)


def _assigned(path: Path) -> dict[str, str | None]:
    """`revision` and `down_revision` as a revision file states them."""
    found: dict[str, str | None] = {"revision": None, "down_revision": None}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        for target in targets:
            if (
                isinstance(target, ast.Name)
                and target.id in found
                and isinstance(node, ast.Assign | ast.AnnAssign)
                and node.value is not None
            ):
                found[target.id] = ast.literal_eval(node.value)
    return found


async def migrations_at_head(pool: asyncpg.Pool, service: str) -> str:
    """Return "ok", or what is wrong and its remedy."""
    found = await pool.fetchval(f"select version_num from {service}.alembic_version")
    wanted = _head(service)
    return (
        "ok"
        if found == wanted
        else f"schema {service} is at {found}, the code at {wanted}; run `u2c migrate`"
    )
