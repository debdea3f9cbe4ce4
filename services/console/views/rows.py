"""Saved views, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import datetime

from services.console.domain.views import View


@dataclass(frozen=True, slots=True)
class ViewRow:
    view_id: str
    owner: str
    page: str
    name: str
    query: str
    is_shared: bool
    saved_at: datetime

    @property
    def view(self) -> View:
        return View(self.view_id, self.page, self.query, self.name, self.owner, self.is_shared)
