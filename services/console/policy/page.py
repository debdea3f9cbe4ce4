"""The page of the policy that asks for approvals, as its template takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.console.domain.addresses import address
from services.console.domain.amounts import Amount
from services.console.domain.forms import Tried
from services.console.domain.parts import Cell, Column, Empty, Field, Form, Pager, Row, Table
from services.console.domain.roles import Role
from services.console.domain.times import Zones
from services.console.domain.visit import Visit
from shared.values.names import LABEL_CHARACTERS_MAX

POLICY: Final = "/close/policy"
#: Who says which drafts wait: whose keys may write invoices.
SETS: Final[tuple[Role, ...]] = ("finance", "leader")
#: Letters of a reason, as it is shown.
WHY_MAX: Final = 300
VERSION_HEADS: Final = (
    Column("Version"),
    Column("Set"),
    Column("By"),
    Column("Above"),
    Column("Changed by more than", is_number=True),
    Column("Why"),
)
NO_VERSION: Final = Empty(
    "Nobody has set a policy: no draft waits for an approval.", "The first is set here."
)


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """The policy in force and those before, and the form that sets the next."""

    title: str
    back: str
    says: str
    versions: Table
    set: Form


def policy_page(versions: Mapping[str, Any], visit: Visit, tried: Tried, once: str) -> PolicyPage:
    """`versions`: a page of `GET /v1/review-policy/versions`, the newest first."""
    found = versions["data"]
    rows = tuple(_version(one, visit.zones) for one in found)
    pager = Pager(f"the newest {len(rows)} shown") if versions["has_more"] else None
    in_force = found[0] if found else None
    return PolicyPage(
        "When a draft waits for an approval",
        address("close", **visit.zones.query),
        "No draft waits for an approval." if in_force is None else policy_in_words(in_force),
        Table("versions", "Versions of the policy", VERSION_HEADS, rows, NO_VERSION, pager),
        _set(in_force, visit, tried, once),
    )


def _version(one: Mapping[str, Any], zones: Zones) -> Row:
    changed = one["changed_percent"]
    return Row(
        str(one["version"]),
        (
            Cell(str(one["version"])),
            Cell.at(zones.moment(one["set_at"])),
            Cell.of(one["set_by"]),
            Cell.of(_above(one["above"]) or "no total"),
            Cell("however much" if changed is None else f"{changed} %"),
            Cell.of(one["reason"], characters_max=WHY_MAX),
        ),
    )


def _set(in_force: Mapping[str, Any] | None, visit: Visit, tried: Tried, once: str) -> Form:
    """It names the version that was shown: of two people who set it at once one is told."""
    above = {} if in_force is None else in_force["above"]
    changed = "" if in_force is None else in_force["changed_percent"] or ""
    lines = "\n".join(f"{code} {amount}" for code, amount in above.items())
    fields = (
        Field(
            "above",
            "Totals above",
            tried.text("above", lines),
            "area",
            hint="A currency and an amount a line, such as USD 10000.00; none: whatever the total.",
        ),
        Field(
            "changed_percent",
            "Changed by more than, in percent",
            tried.text("changed_percent", changed),
            hint="Against the contract's last period; empty: however much.",
        ),
        Field(
            "reason",
            "Why",
            tried.text("reason"),
            hint="Whoever sets the policy asks, and gives no approval by it.",
            is_required=True,
            letters_max=str(LABEL_CHARACTERS_MAX),
        ),
        Field("replaces", "", "0" if in_force is None else str(in_force["version"]), "hidden"),
    )
    return Form(
        "set",
        address("close", "policy", **visit.zones.query),
        "Set the policy",
        visit.csrf,
        once,
        fields,
        is_grave=True,
        fault=tried.fault,
    )


def policy_in_words(policy: Mapping[str, Any]) -> str:
    """When a final draft waits."""
    above = _above(policy["above"])
    changed = policy["changed_percent"]
    asks = [f"above {above}"] if above else []
    if changed is not None:
        asks.append(f"where its total changed by more than {changed} %")
    if not asks:
        return "No draft waits for an approval."
    return f"A final draft waits for an approval {', or '.join(asks)}; {policy['set_by']} asks for it."


def _above(above: Mapping[str, str]) -> str:
    return ", ".join(Amount(code, number).shown for code, number in above.items())
