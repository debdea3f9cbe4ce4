"""In which form a route answers."""

from typing import Annotated, Final, Literal

from fastapi import Query
from fastapi.responses import PlainTextResponse

Format = Annotated[Literal["json", "text"], Query(description="`text`: in words, fit for an e-mail")]
#: What a route that takes `format` may answer besides JSON.
TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}


def as_text(text: str) -> PlainTextResponse:
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})
