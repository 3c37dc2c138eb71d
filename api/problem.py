"""How an error is told: the body of every refusal, and the responses of the OpenAPI document. It raises nothing."""

from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from api.errors import ApiError, Refused, answer_to


class Problem(BaseModel):
    """What went wrong. It never repeats the input."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    code: str
    """For programs; see the table in docs/api.md."""
    message: str
    """For people."""
    field: str | None = None
    """The field, parameter or header at fault."""
    detail: dict[str, Any] | None = None
    """Facts, e.g. the limit that was passed."""


class ProblemBody(BaseModel):
    """The body of every refusal."""

    error: Problem


def problem_of(error: ApiError) -> Problem:
    """The problem behind an error, by the table in errors.py."""
    row = answer_to(error)
    detail = dict(error.detail) if error.detail else None
    if isinstance(error, Refused):
        return Problem(code=error.reason, message=error.words)
    return Problem(code=row.code, message=row.message, field=error.field, detail=detail)


def response_to(error: ApiError) -> JSONResponse:
    """The HTTP response to an error."""
    row = answer_to(error)
    body = ProblemBody(error=problem_of(error)).model_dump(exclude_none=True)
    return JSONResponse(body, row.status, headers=dict(row.headers))


def refusals(*errors: type[ApiError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses for errors; several of one status share it with an example each."""
    found: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        row = answer_to(error)
        entry = found.setdefault(row.status, _response())
        entry["description"] = f"{entry['description']} {row.message}".strip()
        example = {"error": {"code": row.code, "message": row.message}}
        entry["content"]["application/json"]["examples"][row.code] = {"value": example}
    return found


def _response() -> dict[str, Any]:
    return {"description": "", "model": ProblemBody, "content": {"application/json": {"examples": {}}}}
