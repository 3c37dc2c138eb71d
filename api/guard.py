"""Who may pass: a middleware that wants a token on every path, and the scope and tenant checks of the routes."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from api.errors import OtherTenant, Unauthenticated, WrongScope
from api.problem import response_to
from api.sql_http import clickhouse_error
from api.tokens import Scope, Token, TokenBook

SQL_PATH = "/v1/sql"
_BEARER = HTTPBearer(auto_error=False, description="A token of the token file: `Authorization: Bearer wf_…`.")


class Authentication:
    """Answers 401 before anything of the request is read, for every path but the open ones."""

    def __init__(self, app: ASGIApp, *, tokens: TokenBook, open_paths: frozenset[str]) -> None:
        self._app, self._tokens, self._open = app, tokens, open_paths

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Pass on with `state.token` set, or refuse."""
        if scope["type"] != "http" or scope["path"] in self._open:
            await self._app(scope, receive, send)
            return
        secret = secret_in(Headers(scope=scope), path=scope["path"])
        token = self._tokens.find(secret) if secret else None
        if token is None:
            await _refusal(scope["path"])(scope, receive, send)
            return
        scope.setdefault("state", {})["token"] = token
        await self._app(scope, receive, send)


def secret_in(headers: Headers, *, path: str) -> str | None:
    """The token that a request carries. Analytics clients may also send it as ClickHouse's key or Basic password."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if path.rstrip("/") != SQL_PATH:
        return None
    return headers.get("x-clickhouse-key") or (_basic_password(value) if kind.lower() == "basic" else None)


def _basic_password(value: str) -> str | None:
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _refusal(path: str) -> Response:
    if path.rstrip("/") != SQL_PATH:
        return response_to(Unauthenticated())
    return clickhouse_error(Unauthenticated())


def needs(*scopes: Scope) -> Callable[..., Awaitable[None]]:
    """A dependency that lets only tokens with one of the scopes pass; `admin` always does."""

    async def check(request: Request, _: Annotated[object, Security(_BEARER)]) -> None:
        if not token_of(request).may(scopes):
            raise WrongScope(detail={"needs_one_of": [*scopes]})

    return check


def token_of(request: Request) -> Token:
    """The token of the request. Raises Unauthenticated if the middleware did not see one."""
    token = getattr(request.state, "token", None)
    if not isinstance(token, Token):
        raise Unauthenticated
    return token


async def caller_of(request: Request) -> Token:
    """As `token_of`, for handlers."""
    return token_of(request)


Caller = Annotated[Token, Depends(caller_of)]


def check_tenant(caller: Token, tenant: str) -> None:
    """Raises OtherTenant."""
    if not caller.sees(tenant):
        raise OtherTenant(field="tenant")


def tenants_of(caller: Token, wanted: str | None = None) -> frozenset[str] | None:
    """The tenants a list covers: the one wanted, else all that the token sees; None is every tenant."""
    if wanted is not None:
        check_tenant(caller, wanted)
        return frozenset({wanted})
    return None if caller.sees_all else frozenset(caller.tenants)
