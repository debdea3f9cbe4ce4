"""Query and path parameters that several doors take. None lets a NUL through: Postgres text cannot hold one."""

from typing import Annotated

from fastapi import Path, Query

_TEXT = r"^[^\x00]*$"

Text = Annotated[str | None, Query(max_length=200, pattern=_TEXT)]
Customer = Annotated[str | None, Query(max_length=200, pattern=_TEXT, description="External id of the customer")]
CurrencyCode = Annotated[str | None, Query(pattern="^[A-Z]{3}$", description="ISO 4217")]
DocumentId = Annotated[str, Path(max_length=60, pattern=_TEXT, description="inv_…")]
LineId = Annotated[str, Path(max_length=60, pattern=_TEXT)]
