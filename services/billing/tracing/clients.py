"""All outbound HTTP: what rating knows of a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx2

from services.billing.context import BillingContext
from services.billing.documents.clients import StatementsClient
from services.billing.documents.domain.document import Line
from shared.errors import AppError, Kind
from shared.values.instants import from_us


class RatingUnavailable(AppError):
    """Rating did not answer, so the trace would be incomplete; ask again."""

    kind = Kind.UNAVAILABLE


class RatingRefused(AppError):
    """Rating knows no such statement line or refused the question."""

    kind = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of the line that one version of its clause priced."""

    start: datetime
    end: datetime
    version: int
    clause_hash: str


def pieces_of(explanation: Mapping[str, Any]) -> tuple[Piece, ...]:
    """The pieces of the line that is explained; drafts do not carry theirs."""
    return tuple(
        Piece(
            datetime.fromisoformat(segment["starts_at"]),
            datetime.fromisoformat(segment["ends_at"]),
            segment["version"],
            segment["clause_hash"],
        )
        for segment in explanation["line"]["segments"]
    )


def pieces_kept(line: Line) -> tuple[Piece, ...]:
    """The pieces of a line that has kept how its amount came about."""
    return tuple(
        Piece(from_us(piece.start_us), from_us(piece.end_us), piece.version, piece.clause_hash)
        for piece in line.segments or ()
    )


class RatingClient:
    """Explanations and raw events of statement lines, and the statements they are of."""

    def __init__(self, context: BillingContext) -> None:
        self.statements = StatementsClient(context)
        self._http = context.http
        self._url = context.settings.rating_url.rstrip("/")
        self._key = context.settings.service_key

    async def corrected(self, line: Line, occasion: str) -> dict[str, Any]:
        """Return the statement that a note's line is from: its whole period as it was corrected then."""
        return await self._get(_statement(line), {"occasion": occasion})

    async def explanation(self, line: Line, occasion: str) -> dict[str, Any]:
        """Return the steps that led to the line's amount."""
        return await self._get(f"{_line(line)}/explanation", {"occasion": occasion})

    async def events(self, line: Line, occasion: str, cursor: str | None, limit: int) -> dict[str, Any]:
        """Return one page of the raw events a line counts, in order of time: rating knows whose they are and
        how they were counted."""
        asked: dict[str, str | int] = {"occasion": occasion, "limit": limit}
        return await self._get(f"{_line(line)}/events", asked | ({"cursor": cursor} if cursor else {}))

    async def _get(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._http.get(
                f"{self._url}{path}", params=asked, headers={"Authorization": f"Bearer {self._key}"}
            )
        except httpx2.HTTPError as fault:
            raise RatingUnavailable(f"{self._url}: {fault!r}; check that rating runs") from fault
        if answer.status_code in (401, 403):
            raise RatingUnavailable("rating refused billing's own key; check U2C_SERVICE_KEY and its scopes")
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            raise RatingRefused(f"rating answered {answer.status_code} to {path}: {answer.text[:300]}")
        if answer.status_code != 200:
            raise RatingUnavailable(f"rating answered {answer.status_code}")
        found: dict[str, Any] = answer.json()
        return found


def _statement(line: Line) -> str:
    return f"/v1/statements/{quote(line.contract, safe='')}/{line.start_date.isoformat()}"


def _line(line: Line) -> str:
    return f"{_statement(line)}/lines/{quote(line.line_id, safe='')}"
