"""How far Watchfloor goes by itself: it only records, proposes, or acts."""

from typing import Literal

Mode = Literal["observe", "review", "enforce"]
