"""Run cases: answer each, compare every key that it expects, and say what became of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.errors import AppError
from u2c.cases.answers import ANSWERS
from u2c.cases.case import Case, Later, NotOffered, Unknown
from u2c.cases.comparing import differences
from u2c.cases.store import opened

Verdict = Literal["passed", "failed", "not_offered", "later"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case. `expected` and `got` are those of the keys that differ; `reason` is why there is no
    answer."""

    case: Case
    verdict: Verdict
    expected: dict[str, Any] = field(default_factory=dict)
    got: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def run(cases: Iterable[Case]) -> list[Outcome]:
    """Answer the cases, in order."""
    with opened():
        return [outcome_of(case) for case in cases]


def outcome_of(case: Case) -> Outcome:
    """A case that the product cannot answer fails, unless it says why: whatever breaks is that case's failure."""
    try:
        if case.model not in ANSWERS:
            raise Unknown(f"no rule is called {case.model}")
        answer = ANSWERS[case.model](case)
        differing = differences(dict(case.expect), answer)
    except Later as reason:
        return Outcome(case, "later", reason=str(reason))
    except NotOffered as reason:
        return Outcome(case, "not_offered", reason=str(reason))
    except (Unknown, AppError, ArithmeticError, LookupError, TypeError, ValueError, AssertionError) as fault:
        return Outcome(case, "failed", dict(case.expect), reason=f"{type(fault).__name__}: {fault}")
    if not differing:
        return Outcome(case, "passed")
    return Outcome(
        case,
        "failed",
        {key: expected for key, (expected, _) in differing.items()},
        {key: got for key, (_, got) in differing.items()},
    )


def counts(outcomes: Iterable[Outcome]) -> Counter[Verdict]:
    return Counter(outcome.verdict for outcome in outcomes)
