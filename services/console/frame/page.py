"""Templates, and how they are rendered: escaped, what nobody can see made visible, and under a policy that lets a page
run and fetch nothing but the console's own files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.console.assets.memory import address_of
from services.console.domain.addresses import local
from services.console.domain.frame import Frame
from services.console.domain.text import visible

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}


class Typed(str):
    """What a person typed, as it goes back into its field: escaped, and otherwise not changed but for half a pair, which
    no page can hold and no form sends."""

    __slots__ = ()


def _typed(text: str) -> Typed:
    return Typed(text.encode(errors="replace").decode())


def _written(value: object) -> str:
    """What stands on the page for a value that a template writes; it is escaped after that. Raises TypeError for what is
    no text: a number would be written as Python writes it."""
    if isinstance(value, Markup | Typed):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return visible(value)
    raise TypeError(f"a template writes {type(value).__name__}, which is no text")


ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_written,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
ENVIRONMENT.filters.update(local=local, typed=_typed)
ENVIRONMENT.globals.update(asset=address_of)


def page_of(
    template: str, frame: Frame, page: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """A whole page: what stands around it, and what the template shows of `page`, a frozen dataclass of texts."""
    text = ENVIRONMENT.get_template(template).render(frame=frame, page=page)
    return HTMLResponse(text, status, {**PAGE_HEADERS, **(headers or {})})
