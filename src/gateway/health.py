"""Health: whether the process lives, and whether it serves. It never sees a market."""

from collections.abc import Callable, Mapping
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether new clients are served, and how each source is."""

    status: Literal["ready", "not ready"]
    sources: dict[str, str]


def create_health_router(is_ready: Callable[[], bool], states: Callable[[], Mapping[str, str]]) -> APIRouter:
    """Return the routes `/health`, `/api/v1/health` and `/ready`."""
    router = APIRouter(tags=["health"])

    @router.get("/health", summary="Whether the process lives")
    @router.get("/api/v1/health", summary="Whether the process lives")
    async def health() -> Health:
        return Health()

    @router.get(
        "/ready",
        summary="Whether new clients are served",
        responses={
            503: {
                "model": Readiness,
                "description": "A source has failed or not begun, state can't be kept, or the server is shutting down.",
            }
        },
    )
    async def ready(response: Response) -> Readiness:
        if is_ready():
            return Readiness(status="ready", sources=dict(states()))
        response.status_code = 503
        return Readiness(status="not ready", sources=dict(states()))

    return router
