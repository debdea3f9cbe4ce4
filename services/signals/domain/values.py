"""Every value of an evaluation as a row: its name, its unit, what it means, and where the evidence lies."""

from collections.abc import Iterator, Mapping

from services.signals.domain.evidence import Evidence, evidence_at
from services.signals.domain.shown import Document

#: Name → (unit, definition).
DEFINITIONS: Mapping[str, tuple[str, str]] = {
    "last_seen_on": ("local day", "the newest day with an event that was not voided, on any meter"),
    "last_login_on": ("local day", "the newest day with an event on a meter of the role login"),
    "silent_days": (
        "days",
        "whole local days without an event on any meter; for a meter, an outage from its bearable number of days on"
        "; without any use, the days since the contract began or, if that was later, since the customer became known",
    ),
    "silent_since": (
        "local day",
        "the last day of use on the main meter, where the silence since is an outage: it goes before the trend",
    ),
    "producer_silent_since": (
        "local day",
        "the last day the producer of the main meter was seen: many fell silent at once; for four weeks none of it is a risk, or until it speaks",
    ),
    "trend": (
        "state",
        "deepening, steady, drifting or unknown: use of the last third of the term against that of the first, in weeks or in whole rhythms of use",
    ),
    "trend_change": ("share", "late ÷ early week − 1; only where the trend is not steady"),
    "trend_month_six": ("state", "the trend from the start to month six, as it was then"),
    "recent_change": (
        "share",
        "events a week of the newest four weeks ÷ those of the twelve before − 1; only where it is more than chance",
    ),
    "users_day": ("users", "distinct active users of the last UTC day"),
    "users_week": ("users", "distinct active users of the last 7 UTC days"),
    "users_month": ("users", "distinct active users of the last 30 UTC days"),
    "stickiness": ("share", "users of a mean day of the last 30 ÷ users of those days"),
    "users_change": ("share", "users of the last 30 days ÷ users of the 30 days before − 1"),
    "depth_change": (
        "share",
        "distinct teams, or features, of the last 30 days ÷ those of the 30 days before − 1, whichever fell more",
    ),
    "most_active_quiet": (
        "share",
        "of the most active users of 60 to 31 days ago (the policy's share, by days of use): not seen of late",
    ),
    "teams_month": ("teams", "distinct teams of the last 30 UTC days"),
    "features_month": ("features", "distinct features of the last 30 UTC days"),
    "consumed_share": (
        "share",
        "used ÷ contracted capacity (allowance, with what was rolled over, or spending minimum) in the service period that holds the last whole day",
    ),
    "elapsed_share": ("share", "time passed ÷ length of that period"),
    "pace": (
        "ratio",
        "consumed share ÷ elapsed share: above 1 the capacity is used up before the period ends",
    ),
    "projected_use": (
        "as capacity",
        "use at the period's end at the pace of the last four weeks, low and high by the slowest and fastest of them",
    ),
    "exhausted_on": (
        "local day",
        "the day on which the capacity is used up at that pace, earliest and latest by the same weeks",
    ),
    "shortfall": ("as capacity", "what will be missing of the capacity at the period's end"),
    "term_projected": (
        "units",
        "use at the term's end at the pace of the last four weeks, low and high by the slowest and the fastest of them",
    ),
    "activation": (
        "state",
        "open, at_risk, reached or failed by the contract's milestones, weights and deadline",
    ),
    "activation_share": ("share", "reached weight ÷ weight of all milestones"),
    "renewal_due": ("yes or no", "the day lies in the notice window before the term's end"),
    "risk_score": ("points", "0 to 100: the sum of the reasons' points by the policy"),
    "p_fall": (
        "probability",
        "that use of all meters, each weighed by its price, fell by more than a quarter: the last 28 days against the 84 before",
    ),
    "p_gone": (
        "probability",
        "that the silence is longer than the customer's own rhythm allows, were its days of use scattered by chance",
    ),
    "score_p": (
        "probability",
        "the larger of the two: what customers are ordered by, times what is at stake",
    ),
    "p_renew": (
        "probability",
        "that the customer is not lost in the three months that follow, learned from outcomes; the base rate of those while they are fewer than 60",
    ),
    "at_stake": (
        "money",
        "settled in the service periods that ended in the twelve months before, as last corrected: fees, usage and what was short of a commitment",
    ),
}


Value = tuple[str, object, Document]
"""Its name, the value or None where it is not known, and what stands beside it."""


def values_of(document: Document) -> list[Document]:
    """The values of one evaluation, each with unit, definition and evidence. What is not known is left
    out."""
    customer, until = document["customer"], {"until": document["day"]}
    found = [
        _row(
            name,
            value,
            evidence_at("signals", "customers", customer, "activity", **until, **_meter(more)),
            more,
        )
        for name, value, more in _of_customer(document)
        if value is not None
    ]
    for contract, part in document["contracts"].items():
        found += [
            _row(
                name,
                value,
                evidence_at("rating", "statements", contract=contract),
                {"contract": contract, **more},
            )
            for name, value, more in _of_contract(part)
            if value is not None
        ]
    return [*found, *_at_stake(document)]


def _at_stake(document: Document) -> list[Document]:
    """A row a currency, of the customer and of each contract."""
    proof = evidence_at("signals", "customers", document["customer"], "settled", until=document["day"])
    whose: list[tuple[Document, Document]] = [
        (document, {}),
        *((part, {"contract": name}) for name, part in document["contracts"].items()),
    ]
    return [
        _row("at_stake", worth["amount"], proof, {**more, "currency": worth["currency"]})
        for of, more in whose
        for worth in of.get("at_stake", ())
    ]


def _meter(more: Document) -> dict[str, str]:
    return {"meter": more["meter"]} if more.get("meter") else {}


def _row(name: str, value: object, evidence: Evidence, more: Document) -> Document:
    unit, definition = DEFINITIONS[name]
    return {
        "name": name,
        **more,
        "value": value,
        "unit": unit,
        "definition": definition,
        "evidence": evidence,
    }


def _of_customer(document: Document) -> Iterator[Value]:
    yield "last_seen_on", document["last_seen_on"], {}
    yield "last_login_on", document["last_login_on"], {}
    for meter, silence in document["meters"].items():
        yield (
            "silent_days",
            silence["days"],
            {"meter": meter, "bearable": silence["bearable_days"], "silent": silence["silent"]},
        )
    yield "silent_since", document.get("silent_since"), {}
    yield "producer_silent_since", document.get("producer_silent_since"), {}
    trend, month_six, numbers = document["trend"], document["trend_month_six"], document["numbers"]
    yield (
        "trend",
        trend["trend"],
        {key: value for key, value in trend.items() if key != "trend" and value is not None},
    )
    yield (
        "trend_month_six",
        month_six["trend"] if month_six else None,
        {key: value for key, value in (month_six or {}).items() if key != "trend"},
    )
    yield "silent_days", None if numbers.get("silent_days") is None else int(numbers["silent_days"]), {}
    for name in ("trend_change", "recent_change", "users_change", "depth_change", "most_active_quiet"):
        yield name, numbers.get(name), {}
    for name in ("users_day", "users_week", "users_month", "stickiness", "teams_month", "features_month"):
        yield name, (document["engagement"] or {}).get(name), {}
    for name in ("p_fall", "p_gone", "score_p", "p_renew"):
        yield name, document.get(name), {}
    yield (
        "risk_score",
        document["risk"]["score"],
        {"at_risk": document["risk"]["at_risk"], "reasons": document["risk"]["reasons"]},
    )


def _of_contract(part: Document) -> Iterator[Value]:
    for one in part["consumption"]:
        yield from _of_capacity(one)
    term, activation, renewal = part["term"] or {}, part["activation"] or {}, part["renewal"] or {}
    yield (
        "term_projected",
        term.get("projected"),
        {key: term.get(key) for key in ("meter", "used", "low", "high", "end")},
    )
    yield (
        "activation",
        activation.get("state"),
        {"deadline": activation.get("deadline"), "milestones": activation.get("milestones")},
    )
    yield "activation_share", activation.get("share"), {}
    yield (
        "renewal_due",
        renewal.get("due"),
        {"term_end": renewal.get("term_end"), "notice_on": renewal.get("notice_on")},
    )
    yield (
        "risk_score",
        part["risk"]["score"],
        {"at_risk": part["risk"]["at_risk"], "reasons": part["risk"]["reasons"]},
    )


def _of_capacity(one: Document) -> Iterator[Value]:
    what = {
        key: one[key]
        for key in ("kind", "line", "unit", "period_start", "period_end")
        if one[key] is not None
    }
    yield "consumed_share", one["share"], {"capacity": one["capacity"], "used": one["used"], "of": what}
    yield "elapsed_share", one["elapsed"], {"of": what}
    yield "pace", one["pace"], {"of": what}
    ahead = one["projection"] or {}
    yield (
        "projected_use",
        ahead.get("projected"),
        {"low": ahead.get("low"), "high": ahead.get("high"), "of": what},
    )
    yield (
        "exhausted_on",
        ahead.get("exhausted_on"),
        {
            "earliest": ahead.get("exhausted_earliest"),
            "latest": ahead.get("exhausted_latest"),
            "of": what,
        },
    )
    yield "shortfall", ahead.get("shortfall"), {"on": ahead.get("shortfall_on"), "of": what}
