"""A place in untrusted JSON: reads what is expected there and names the place when something else is found."""

from collections.abc import ItemsView, Iterator
from typing import Final, NamedTuple, Self

from pydantic import TypeAdapter, ValidationError

from events.errors import FormatError, path_of, safe_name
from events.event import Label

_LABEL: Final = TypeAdapter(Label)


class Node(NamedTuple):
    """`value` is what was found at `steps`; None stands for both null and absent. Every reader raises FormatError."""

    value: object
    steps: tuple[int | str, ...] = ()

    def refuse(self, reason: str) -> FormatError:
        """The error to raise about this place."""
        return FormatError(path_of(self.steps), reason)

    def get(self, *keys: str) -> Self:
        """The first of these members that is there; absent in an absent object."""
        fields = self._object()
        for key in keys:
            value = fields.get(key)
            if value is not None:
                return type(self)(value, (*self.steps, key))
        return type(self)(None, (*self.steps, keys[0]))

    def all_of(self, *keys: str) -> Iterator[Self]:
        """Each of these members that is there: for one thing with several spellings."""
        fields = self._object()
        return (self.get(key) for key in keys if fields.get(key) is not None)

    def has(self, *keys: str) -> bool:
        """Whether any of these members is there."""
        fields = self._object()
        return any(fields.get(key) is not None for key in keys)

    def members(self) -> ItemsView[str, object]:
        """Every member of an object, key and value; none of an absent one."""
        return self._object().items()

    def member(self, key: str) -> Self:
        """The member with any key; its place is written with safe characters only."""
        return type(self)(self._object().get(key), (*self.steps, safe_name(key)))

    def elements(self, limit: int) -> Iterator[Self]:
        """Every element of an array, `limit` at most; none of an absent one."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.refuse("not_an_array")
        if len(self.value) > limit:
            raise self.refuse("too_many")
        for index, value in enumerate(self.value):
            yield type(self)(value, (*self.steps, index))

    def objects(self, limit: int) -> Iterator[Self]:
        """Every element of an array of objects, `limit` at most; none of an absent one."""
        for element in self.elements(limit):
            if not isinstance(element.value, dict):
                raise element.refuse("not_an_object")
            yield element

    def flag(self) -> bool | None:
        """True, false or absent."""
        if self.value is None or isinstance(self.value, bool):
            return self.value
        raise self.refuse("not_a_boolean")

    def text(self) -> str | None:
        """A string or absent."""
        if self.value is None or isinstance(self.value, str):
            return self.value
        raise self.refuse("not_a_string")

    def label(self) -> str | None:
        """A short name or absent; an empty string is absent too, as streams write it."""
        if self.value is None or self.value == "":
            return None
        try:
            return _LABEL.validate_python(self.value, strict=True)
        except ValidationError:
            raise self.refuse("not_a_label") from None

    def integer(self, limit: int) -> int | None:
        """A whole number from 0 to `limit`, or absent."""
        if self.value is None:
            return None
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.refuse("not_an_integer")
        if not 0 <= self.value <= limit:
            raise self.refuse("out_of_range")
        return self.value

    def _object(self) -> dict[str, object]:
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.refuse("not_an_object")
        return self.value
