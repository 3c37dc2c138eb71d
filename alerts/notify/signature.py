"""The webhook signature: HMAC-SHA-256 over `<timestamp>.<body>`, made and checked; it reads no clock."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Literal

HEADER = "Watchfloor-Signature"
TOLERANCE = timedelta(minutes=5)

Fault = Literal["malformed", "stale", "mismatch"]
_HEADER = re.compile(r"t=(\d{1,12})((?:,v1=[0-9a-f]{64}){1,4})", re.ASCII)


def sign(body: bytes, secret: bytes, *, at: datetime) -> str:
    """The header's value, `t=<unix seconds>,v1=<hex>`, for a body sent at `at`."""
    timestamp = int(at.timestamp())
    return f"t={timestamp},v1={_mac(body, secret, timestamp)}"


def verify(body: bytes, header: str, *, secret: bytes, now: datetime, tolerance: timedelta = TOLERANCE) -> Fault | None:
    """What is wrong with a received signature, or None. Several `v1` may stand in one header while a secret rotates."""
    match = _HEADER.fullmatch(header)
    if match is None:
        return "malformed"
    timestamp = int(match[1])
    if abs(now.timestamp() - timestamp) > tolerance.total_seconds():
        return "stale"
    expected = _mac(body, secret, timestamp)
    seen = [hmac.compare_digest(expected, one) for one in match[2].split(",v1=")[1:]]
    return None if any(seen) else "mismatch"


def _mac(body: bytes, secret: bytes, timestamp: int) -> str:
    return hmac.new(secret, b"%d.%s" % (timestamp, body), hashlib.sha256).hexdigest()
