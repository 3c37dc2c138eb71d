"""The folder of a local installation: keys, tokens, logs and where it answers; nothing there is open to others."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from api.tokens import hash_of, new_token
from events.pseudonym import new_key
from watchfloor.errors import NothingRunning

DEFAULT = Path(".data")


@dataclass(frozen=True, slots=True)
class Place:
    """Paths of one installation; `prepare` makes what is missing and changes nothing that is there."""

    root: Path

    @property
    def keys(self) -> Path:
        """Secrets of the pseudonyms."""
        return self.root / "keys.json"

    @property
    def tokens(self) -> Path:
        """Hashes of the API tokens, with scopes and tenants."""
        return self.root / "tokens.yaml"

    @property
    def token(self) -> Path:
        """The local administrator's token itself."""
        return self.root / "token"

    @property
    def clickhouse(self) -> Path:
        """The embedded ClickHouse."""
        return self.root / "clickhouse"

    @property
    def address(self) -> Path:
        """Where the running API answers."""
        return self.root / "address.json"

    @property
    def truth(self) -> Path:
        """What the demo's traffic has planted."""
        return self.root / "truth.json"

    def log(self, process: str) -> Path:
        """A process's log file."""
        return self.root / "logs" / f"{process}.log"

    def prepare(self) -> None:
        """Create the folder, the keys and a token with every scope, unless they exist."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log("").parent.mkdir(exist_ok=True)
        _create(self.keys, json.dumps({"k1": new_key()}))
        if not self.token.exists():
            secret = new_token()
            entry = {"name": "local-admin", "sha256": hash_of(secret), "scopes": ["admin"], "tenants": ["*"]}
            _create(self.tokens, yaml.safe_dump([entry], sort_keys=False))
            _create(self.token, secret)

    def answers_at(self, url: str) -> None:
        """Note where the API answers, for the other commands."""
        self.address.write_text(json.dumps({"url": url, "token": str(self.token.resolve())}), "utf-8")

    def forget_address(self) -> None:
        """The API no longer answers."""
        self.address.unlink(missing_ok=True)


def _create(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


@dataclass(frozen=True, slots=True)
class Target:
    """An API to talk to."""

    url: str
    token: str


def target(root: Path, url: str | None, token_file: Path | None) -> Target:
    """The API given, or the one running in `root`. Raises NothingRunning."""
    noted: dict[str, str] = {}
    address = Place(root).address
    if address.exists():
        noted = json.loads(address.read_text("utf-8"))
    url = url or noted.get("url")
    secret = token_file or (Path(noted["token"]) if "token" in noted else None)
    if not url or not secret:
        raise NothingRunning(str(root))
    return Target(url.rstrip("/"), secret.read_text("utf-8").strip())
