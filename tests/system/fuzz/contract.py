"""One fuzzing of one service: cases drawn from its OpenAPI document, sent to it, each answer held against the
document."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.http.documented import CODES

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Left out, with the reason.
EXCLUDED = {
    "POST /v1/clock/advance": "moves the clock of the whole deployment, and answers after everything due on the way is done",
    "GET /metrics": "its text grows with every case, and tells nothing of a case",
}


@dataclass
class Findings:
    """What a run saw. `faults` is what must be empty."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)  # (operation, status) → times
    faults: dict[str, str] = field(default_factory=dict)  # the kind of fault → the first case that shows it

    @property
    def cases(self) -> int:
        return self.answers.total()


def fuzz(url: str, key: str, cases_max: int, known: Mapping[str, str]) -> Findings:
    """Send up to `cases_max` cases that fit and as many that do not to every operation of the service at
    `url`.

    `known` are path parameters of things that are there: every case that fits is sent for its drawn address
    and for theirs.
    """
    headers, found = {"Authorization": f"Bearer {key}"}, Findings()
    document = httpx2.get(f"{url}/openapi.json", trust_env=False, timeout=30).raise_for_status().json()
    schema: Any = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url, headers=headers)
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label in EXCLUDED:
            continue
        _send(operation, schemathesis.GenerationMode.POSITIVE, headers, cases_max, known, found)
        if operation.query or operation.body:  # one that takes nothing cannot be asked wrongly
            _send(operation, schemathesis.GenerationMode.NEGATIVE, headers, cases_max, {}, found)
    return found


def _send(
    operation: Any,
    mode: Any,
    headers: dict[str, str],
    cases_max: int,
    known: Mapping[str, str],
    found: Findings,
) -> None:
    """Cases of one operation. A fault is written down and the run goes on: one fault must not hide the
    next."""

    @seed(0)  # the same cases every time: a fault of yesterday is one of today
    @settings(
        max_examples=cases_max,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        _hold(case, headers, found)
        there = {name: known[name] for name in case.path_parameters if name in known}
        if there:
            case.path_parameters = {**case.path_parameters, **there}
            _hold(case, headers, found)

    send()


def _hold(case: Any, headers: dict[str, str], found: Findings) -> None:
    """Send a case and hold the answer against the document."""
    answer = case.call(headers=headers, timeout=30)
    label = case.operation.label
    found.answers[label, answer.status_code] += 1
    undocumented = _undocumented_code(case.operation, answer)
    if undocumented:
        found.faults.setdefault(
            f"{label} {answer.status_code} {undocumented}",
            f"the document does not name this code\n{answer.text[:1000]}",
        )
    try:
        case.validate_response(answer, checks=CHECKS, headers=headers)
    except FailureGroup as group:
        for failure in group.exceptions:
            what = f"{label} {answer.status_code} {type(failure).__name__}"
            found.faults.setdefault(what, f"{failure}\n{answer.text[:1000]}")


def _undocumented_code(operation: Any, answer: Any) -> str | None:
    """The code of a problem that the route's document does not name for this status; None where it does, or
    where it is none."""
    if "problem+json" not in str(answer.headers.get("content-type")):
        return None
    code: str = answer.json()["code"]
    documented = operation.definition.raw["responses"].get(str(answer.status_code), {}).get(CODES, ())
    return None if code in documented else code
