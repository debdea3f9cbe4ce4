"""Query and path parameters that several doors take. What each may be is said in `shared.values`."""

from typing import Annotated

from fastapi import Path, Query

from shared.values.fields import AskedSubject, GivenId, Key, Word

Text = Annotated[Word | None, Query()]
Contract = Annotated[Key | None, Query()]
Customer = Annotated[AskedSubject | None, Query(description="External id of the customer")]
CurrencyCode = Annotated[str | None, Query(pattern="^[A-Z]{3}$", description="ISO 4217")]
DocumentId = Annotated[GivenId, Path(description="inv_…")]
LineId = GivenId
