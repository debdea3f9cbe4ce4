"""What a list of documents is narrowed by, as an address says it. What it means, and what it may be, billing knows: what it
refuses is shown as it says it."""

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Depends, Query

from shared.http.paging import CURSOR_CHARACTERS_MAX
from shared.values.names import SUBJECT

#: What a form sends of a field that was left empty is "".
Text = Annotated[str, Query(max_length=SUBJECT.characters_max)]


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of the list and its order; "" where nothing is asked."""

    q: Text = ""
    customer: Text = ""
    contract: Text = ""
    number: Text = ""
    status: Text = ""
    state: Text = ""
    kind: Text = ""
    currency: Text = ""
    period_from: Text = ""
    period_to: Text = ""
    ends_from: Text = ""
    ends_to: Text = ""
    sort: Text = ""

    def said(self) -> dict[str, str]:
        """What is asked, by the name of its parameter."""
        return {name: value for name, value in asdict(self).items() if value}


AskedFor = Annotated[Asked, Depends()]
Cursor = Annotated[str, Query(max_length=CURSOR_CHARACTERS_MAX)]
