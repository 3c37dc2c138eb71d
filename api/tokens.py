"""Who may call: bearer tokens, kept as hashes with their scopes and tenants. It knows no HTTP and no route."""

import hashlib
import hmac
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from alerts.appeal import NOT_REVIEWERS
from api.errors import TokenFileRefused
from events.event import Label, Tenant

Scope = Literal["ingest", "gateway", "analyst", "reviewer", "admin"]


class Token(BaseModel):
    """One credential, without its secret. `admin` implies every scope; the tenant `*` means every tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Label
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    tenants: Annotated[frozenset[Tenant | Literal["*"]], Field(min_length=1)]

    def may(self, scopes: Iterable[Scope]) -> bool:
        """Whether one of these scopes is held; an empty list asks for any valid token only."""
        wanted = frozenset(scopes)
        return not wanted or "admin" in self.scopes or bool(wanted & self.scopes)

    def sees(self, tenant: str) -> bool:
        """Whether this tenant's data is open to the token."""
        return "*" in self.tenants or tenant in self.tenants

    @property
    def only_tenant(self) -> str | None:
        """The tenant, for a token of exactly one."""
        return next(iter(self.tenants)) if len(self.tenants) == 1 and not self.sees_all else None

    @property
    def sees_all(self) -> bool:
        """Whether every tenant's data is open to the token."""
        return "*" in self.tenants


_TOKENS: TypeAdapter[tuple[Token, ...]] = TypeAdapter(tuple[Token, ...])


def new_token() -> str:
    """A fresh secret of 256 bits: `wf_` and 43 URL-safe characters. Show it once; keep its hash."""
    return f"wf_{secrets.token_urlsafe(32)}"


def hash_of(secret: str) -> str:
    """What the token file holds: SHA-256 in hex. No salt is needed for a random secret of 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class TokenBook:
    """Every token that is valid now."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        """Raises TokenFileRefused when two tokens share a name or a hash, or one has the name of somebody else."""
        self._tokens = tuple(tokens)
        if any(token.name in NOT_REVIEWERS for token in self._tokens):
            raise TokenFileRefused(f"no token may be called {' or '.join(sorted(NOT_REVIEWERS))}")
        for field in ("name", "sha256"):
            if len({getattr(token, field) for token in self._tokens}) != len(self._tokens):
                raise TokenFileRefused(f"two tokens share a {field}")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a YAML or JSON file of tokens. Raises TokenFileRefused when it is open to others, or not understood."""
        try:
            if stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
                raise TokenFileRefused("other users of this machine can open it; chmod 600 it")
            return cls(_TOKENS.validate_python(yaml.safe_load(path.read_text("utf-8")) or ()))
        except OSError as error:
            raise TokenFileRefused(error.strerror or "it cannot be read") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise TokenFileRefused("it is neither YAML nor JSON") from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise TokenFileRefused(f"entry {where}: {first['msg']}") from None

    def find(self, secret: str) -> Token | None:
        """The token with this secret. Every hash is compared, so the time taken tells nothing about any of them."""
        digest = hash_of(secret)
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found
