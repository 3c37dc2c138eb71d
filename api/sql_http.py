"""ClickHouse's HTTP conventions: where a query, its parameters and its errors are in a message. It runs nothing."""

from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP

from starlette.requests import Request
from starlette.responses import Response

from api.errors import (
    ApiError,
    Invalid,
    OtherTenant,
    QueryRefused,
    StoreUnavailable,
    TooSlow,
    Unauthenticated,
    Unreadable,
    WrongScope,
    answer_to,
)
from api.ports import SqlAnswer, SqlRequest

_CODES: tuple[tuple[type[ApiError], int, str], ...] = (
    (Unauthenticated, 516, "AUTHENTICATION_FAILED"),
    (WrongScope, 497, "ACCESS_DENIED"),
    (OtherTenant, 497, "ACCESS_DENIED"),
    (Invalid, 62, "SYNTAX_ERROR"),
    (Unreadable, 62, "SYNTAX_ERROR"),
    (TooSlow, 159, "TIMEOUT_EXCEEDED"),
    (StoreUnavailable, 279, "ALL_CONNECTION_TRIES_FAILED"),
    (ApiError, 1002, "UNKNOWN_EXCEPTION"),
)


def read_query(request: Request, body: bytes, tenants: frozenset[str] | None) -> SqlRequest:
    """The query of a GET or POST. Settings that the client sends are not obeyed: the limits are the server's.

    The text is the `query` parameter followed by the body, as ClickHouse joins them. Raises Invalid when empty.
    """
    values = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        values |= _form(request.headers["content-type"], body)
        body = b""
    try:
        sql = "\n".join(part for part in (values.get("query", ""), body.decode()) if part.strip())
    except UnicodeDecodeError as error:
        raise Unreadable(field="query", detail={"reason": "not_utf8"}) from error
    if not sql:
        raise Invalid(field="query", detail={"reason": "missing"})
    parameters = {name.removeprefix("param_"): value for name, value in values.items() if name.startswith("param_")}
    wanted = request.headers.get("x-clickhouse-format") or values.get("default_format")
    return SqlRequest(sql=sql, tenants=tenants, parameters=parameters, format=wanted)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    )
    if not message.is_multipart():
        raise Unreadable(detail={"reason": "not_multipart"})
    return {
        str(part.get_param("name", header="content-disposition")): _text(part.get_payload(decode=True))
        for part in message.iter_parts()
    }


def _text(payload: object) -> str:
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def clickhouse_answer(answer: SqlAnswer) -> Response:
    """A result as ClickHouse sends it."""
    return Response(answer.body, media_type=answer.content_type, headers=dict(answer.headers))


def clickhouse_error(error: ApiError) -> Response:
    """An error as ClickHouse tells it, so that its clients raise their own exceptions."""
    row = answer_to(error)
    code, name, reason = _clickhouse(error, row.message)
    headers: Mapping[str, str] = {"X-ClickHouse-Exception-Code": str(code), **dict(row.headers)}
    return Response(f"Code: {code}. DB::Exception: {reason} ({name})\n", row.status, headers, "text/plain")


def _clickhouse(error: ApiError, message: str) -> tuple[int, str, str]:
    if isinstance(error, QueryRefused):
        return error.code, error.name, error.reason
    code, name = next((code, name) for kind, code, name in _CODES if isinstance(error, kind))
    return code, name, message
