"""Statements as the API is asked for them."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.rating.statements.rows import KnownStatement, StatementName
from shared.http.limits import CUSTOMERS_ASKED_MAX
from shared.http.paging import LIMIT_MAX
from shared.values.fields import GivenId, Key

REVISION_MAX = 2**63 - 1


class AskedStatement(BaseModel):
    """A statement that is about to be shown."""

    model_config = ConfigDict(extra="forbid")

    contract: Key
    period_start: date
    revision: Annotated[
        int, Field(ge=0, le=REVISION_MAX, description="The revision the asker knows; 0: none")
    ] = 0

    @property
    def known(self) -> KnownStatement:
        return KnownStatement(StatementName(self.contract, self.period_start), self.revision)


class AskedStatements(BaseModel):
    """The statements of a page: as many as a page may have."""

    model_config = ConfigDict(extra="forbid")

    statements: list[AskedStatement] = Field(max_length=LIMIT_MAX)
    at_once: bool = Field(
        False, description="Price also what was priced within the last second, and answer when that is done"
    )


class AskedCustomers(BaseModel):
    """Customers whose statements are to be told."""

    model_config = ConfigDict(extra="forbid")

    customers: list[GivenId] = Field(max_length=CUSTOMERS_ASKED_MAX, description="Their ids: cus_…")
