"""The checks of the books: how far each is, what it found, and each break."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.billing.conservation.domain.breaks import OWNERS, SAYS, Break, Checked, K, Report
from services.billing.conservation.rows import ResultRow, StoredCheck
from shared.http.answers import ABSENT, Amount, Answer, Instant, StoredAs, WorthAnswer
from shared.http.shown_names import Owner
from shared.values.made_from import made_from
from shared.values.money import currency, format_minor

Watermark = Annotated[dict[str, int], Field(examples=[{"0": 35, "1": 31}])]
Seconds = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{2}$", examples=["0.09"])]
Figures = Annotated[
    dict[str, int], Field(examples=[{"series": 1, "statements": 4, "documents": 3, "under_way": 0}])
]
Amounts = Annotated[
    dict[str, dict[str, Amount]], Field(examples=[{"USD": {"settled": "21.99", "documented": "21.99"}}])
]


class BreakAnswer(Answer):
    """One row at which a check does not hold."""

    k: K
    fault: Annotated[str, Field(examples=["line_differs"])]
    table: Annotated[str, Field(examples=["billing.document_lines"])]
    """Where it broke"""
    key: Annotated[
        dict[str, str], Field(examples=[{"contract": "acme-2026", "period_start": "2026-03-01T00:00:00Z"}])
    ]
    """Column → value of the row, which may be the one that should be there"""
    expected: str
    found: str
    says: str
    """Names the fault and the remedy"""
    owner: Owner
    contract: Annotated[str | None, Field(examples=["acme-2026"])]
    """The one whose close it stops; null where it is none's or everybody's"""
    period_start: Instant | None
    worth: list[WorthAnswer]
    """What waits there, by currency, where it can be said"""

    @classmethod
    def of(cls, found: Break) -> Self:
        return made_from(
            cls, found, table=found.where.table, key=found.where.named, worth=WorthAnswer.each(found.worth)
        )


class CheckedAnswer(Answer):
    """One of the five checks, and what it found."""

    k: K
    says: Annotated[str, Field(examples=[SAYS[K.MONEY]])]
    holds: bool
    figures: Figures
    """What was counted"""
    amounts: Amounts
    """Currency → what → how much"""
    owner: Owner
    breaks_listed: int
    breaks_total: int
    breaks: list[BreakAnswer]
    """The first ones: a list is cut, a verdict never is"""

    @classmethod
    def of(cls, checked: Checked) -> Self:
        amounts = {
            code: {what: format_minor(minor, currency(code)) for what, minor in of.items()}
            for code, of in sorted(checked.amounts.items())
        }
        return cls(
            k=checked.k,
            says=SAYS[checked.k],
            holds=checked.holds,
            figures=dict(checked.figures),
            amounts=amounts,
            owner=OWNERS[checked.k],
            breaks_listed=len(checked.breaks),
            breaks_total=checked.breaks_total,
            breaks=[BreakAnswer.of(found) for found in checked.breaks],
        )


def shown(checked: Checked) -> Mapping[str, Any]:
    """What one of the five found, as it is kept and shown."""
    found: Mapping[str, Any] = CheckedAnswer.of(checked).as_json()
    return found


Result = Annotated[Mapping[str, Any], StoredAs(CheckedAnswer)]


class ConservationAnswer(Answer):
    """All five checks at one cut; where a process died meanwhile, at two."""

    holds: bool
    taken_at: Instant
    """Of the machine clock"""
    seconds: Seconds
    """How long it took"""
    watermark: Watermark
    """Partition of usage.events → last batch that was seen"""
    breaks_listed: int
    breaks_total: int
    statements: list[Result]

    @classmethod
    def of(cls, report: Report) -> Self:
        return made_from(
            cls,
            report,
            seconds=f"{report.seconds:.2f}",
            watermark=dict(report.watermark),
            breaks_listed=len(report.breaks),
            statements=[shown(checked) for checked in report.statements],
        )

    @classmethod
    def of_check(cls, check: StoredCheck) -> Self:
        """Of a check that is done."""
        last = check.results[-1]
        return cls(
            holds=all(result.holds for result in check.results),
            taken_at=last.taken_at,
            seconds=f"{sum(result.seconds for result in check.results):.2f}",
            watermark=dict(last.watermark),
            breaks_listed=sum(result.said["breaks_listed"] for result in check.results),
            breaks_total=sum(result.breaks_total for result in check.results),
            statements=[result.said for result in check.results],
        )


class ProgressAnswer(Answer):
    """How one of the five stands."""

    k: K
    says: Annotated[str, Field(examples=[SAYS[K.MONEY]])]
    done: bool
    holds: bool | None
    """Null until it is made"""
    breaks_total: int | None
    taken_at: Instant | None
    """When its cut was, by the machine clock"""
    seconds: Annotated[str | None, Field(examples=["0.09"])]

    @classmethod
    def of(cls, k: K, result: ResultRow | None) -> Self:
        return cls(
            k=k,
            says=SAYS[k],
            done=result is not None,
            holds=None if result is None else result.holds,
            breaks_total=None if result is None else result.breaks_total,
            taken_at=None if result is None else result.taken_at,
            seconds=None if result is None else f"{result.seconds:.2f}",
        )


class CheckAnswer(Answer):
    """A check of the books that somebody asked for. Times are of the machine clock."""

    object: Literal["check"] = "check"
    id: Annotated[str, Field(examples=["chk_0355r6GMHPjnilLt70JBPV"])]
    by: Annotated[str, Field(examples=["usr_1"])]
    """An actor, or `schedule`"""
    state: Literal["waiting", "running", "done"]
    asked_at: Instant
    began_at: Instant | None
    done_at: Instant | None
    attempts: int
    """More than one: a process died, or could not read the books; it went on where it was"""
    fault: str | None
    """Why the last attempt broke off; it is tried again"""
    holds: bool | None
    """Null until all five are made"""
    progress: list[ProgressAnswer]
    conservation: ConservationAnswer | None = ABSENT
    """All that was found, once it is done; absent in lists"""

    @classmethod
    def of(cls, check: StoredCheck) -> Self:
        return cls._of(check, ConservationAnswer.of_check(check) if check.state == "done" else None)

    @classmethod
    def listed(cls, check: StoredCheck) -> Self:
        return cls._of(check, None)

    @classmethod
    def _of(cls, check: StoredCheck, conservation: ConservationAnswer | None) -> Self:
        results = {result.k: result for result in check.results}
        return made_from(
            cls,
            check,
            id=check.check_id,
            progress=[ProgressAnswer.of(k, results.get(k)) for k in K],
            conservation=conservation,
        )
