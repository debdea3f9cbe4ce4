"""Renewal."""

from typing import Annotated

from pydantic import Field

from shared.pricing.clause import Clause


class Renewal(Clause):
    """With `auto` the terms run on after the term; `term_months` is the length of each further term."""

    auto: Annotated[bool, Field(strict=True)] = False
    notice_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 0
    term_months: Annotated[int, Field(strict=True, ge=1, le=1200)] | None = None
