"""What a person types to say which drafts wait."""

from collections.abc import Mapping
from typing import Any

from services.console.domain.forms import seen_in
from shared.errors import AppError
from shared.values.names import shown


class AboveUnreadable(AppError):
    """This is not a currency and an amount a line."""


def policy_in(form: Mapping[str, str]) -> dict[str, Any]:
    """What is asked of billing: the version after the one that was shown. Raises AboveUnreadable and SeenUnreadable."""
    return {
        "replaces": seen_in(form.get("replaces", "")),
        "above": _above(form.get("above", "")),
        "changed_percent": form.get("changed_percent", "").strip() or None,
        "reason": form.get("reason", ""),
    }


def _above(text: str) -> dict[str, str]:
    """Currency → amount, of lines such as "USD 10000.00"."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.split, text.splitlines())):
        if len(line) != 2 or line[0] in found:
            raise AboveUnreadable(
                f"{shown(' '.join(line))} is none, or its currency stands twice; write such as USD 10000.00"
            )
        found[line[0]] = line[1]
    return found
