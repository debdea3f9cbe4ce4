"""GET /v1/me, the same in every service: what the caller's own key is and may do there."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import Field

from shared.http.answers import Answer, Instant
from shared.http.keys import ANY_KEY, AccessKey, requires
from shared.http.shown_names import KeyId
from shared.values.made_from import made_from


class MeAnswer(Answer):
    """The key of this call, as this service knows it."""

    object: Literal["me"] = "me"
    id: KeyId
    name: Annotated[str, Field(examples=["product backend"])]
    scopes: Annotated[list[str], Field(examples=[["usage:write"]])]
    seats: Annotated[list[str], Field(examples=[["pricing-owner"]])]
    """The seats it may decide for"""
    sources: list[str] | None
    """The sources whose usage it may send, void, correct and resolve; null: any"""
    expires_at: Instant | None
    """Null where it does not expire"""

    @classmethod
    def of(cls, key: AccessKey) -> Self:
        return made_from(
            cls,
            key,
            id=key.key_id,
            scopes=sorted(key.scopes),
            seats=sorted(key.seats),
            sources=sorted(key.sources) or None,
        )


def me_router(service: str) -> APIRouter:
    """The route; any key may ask for itself."""
    router = APIRouter(prefix="/v1/me", tags=["Keys"])

    @router.get("", operation_id=f"get_{service}_me", summary="What this key is, and what it may do")
    async def get_me(key: Annotated[AccessKey, requires(ANY_KEY)]) -> MeAnswer:
        return MeAnswer.of(key)

    return router
