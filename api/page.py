"""One page of a list, newest first, and the cursor to the next; it fetches nothing."""

import base64
import binascii
from datetime import datetime
from typing import Generic, NamedTuple, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from api.errors import BadCursor

T = TypeVar("T")


class Place(NamedTuple):
    """Where a thing stands in a list: by time, then by id."""

    at: datetime
    key: str

    @classmethod
    def read(cls, cursor: str) -> Self:
        """The place that a cursor stands for. Raises BadCursor."""
        try:
            text = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
            place = _PLACE.validate_json(text)
        except (binascii.Error, UnicodeError, ValidationError) as error:
            raise BadCursor(field="cursor") from error
        return cls(*place)

    @property
    def cursor(self) -> str:
        """The opaque text for the next request."""
        return base64.urlsafe_b64encode(_PLACE.dump_json((self.at, self.key))).decode("ascii")


_PLACE: TypeAdapter[tuple[datetime, str]] = TypeAdapter(tuple[AwareDatetime, str])


class Page(BaseModel, Generic[T]):
    """A part of a list. `next` is null on the last page."""

    items: list[T] = Field(description="Newest first.")
    next: str | None = Field(default=None, description="Pass as `cursor` to get the following page.")


class PageQuery(BaseModel):
    """How every list is paged."""

    cursor: str | None = Field(default=None, max_length=300, description="`next` of the page before.")
    limit: int = Field(default=50, ge=1, le=500, description="Items per page.")

    @property
    def before(self) -> Place | None:
        """The place to go on from. Raises BadCursor."""
        return Place.read(self.cursor) if self.cursor else None
