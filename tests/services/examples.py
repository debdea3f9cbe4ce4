"""Whether an example of the OpenAPI documents says what the service answers."""

from typing import Any

from shared.http.examples import example
from u2c.deployment.state import ROOT

SERVICES = ROOT / "services"
#: What lies below these names is named by the data: meters, partitions, currencies, clauses, the steps of one
#: price.
OF_THE_DATA = {
    "watermark",
    "revisions",
    "above",
    "quantities",
    "figures",
    "amounts",
    "group",
    "definitions",
    "data",
    "terms",
    "inputs",
    "contracts",
    "meters",
    "trend",
}


def differences(service: str, name: str, answer: Any) -> list[str]:
    """Return the places at which the example and an answer do not have the same keys; lists are compared by
    their first items."""
    return _differ(example(SERVICES / service, name), answer, name)


def _differ(shown: Any, answered: Any, at: str) -> list[str]:
    if isinstance(shown, dict) and isinstance(answered, dict):
        found = [f"{at}.{key}" for key in shown.keys() ^ answered.keys()]
        return found + [
            fault
            for key in shown.keys() & answered.keys() - OF_THE_DATA
            for fault in _differ(shown[key], answered[key], f"{at}.{key}")
        ]
    if isinstance(shown, list) and isinstance(answered, list):
        return _differ(shown[0], answered[0], f"{at}[0]") if shown and answered else []
    return [] if type(shown) is type(answered) or shown is None or answered is None else [at]
