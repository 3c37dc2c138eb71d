"""The numbered migrations as files hold them; it runs none."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from sql.errors import BadMigration


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered change of the tables, with its way back."""

    version: int
    name: str
    up: str
    down: str


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations, oldest first. Raises BadMigration when a number is missing or double."""
    found = sorted((_read(folder) for folder in _folders()), key=lambda one: one.version)
    for expected, migration in enumerate(found, start=1):
        if migration.version != expected:
            raise BadMigration(migration.name, f"number {expected} was expected")
    return tuple(found)


def _folders() -> Iterable[Traversable]:
    return (folder for folder in files("sql").joinpath("migrations").iterdir() if folder.is_dir())


def _read(folder: Traversable) -> Migration:
    number, _, name = folder.name.partition("_")
    if not number.isdigit() or not name:
        raise BadMigration(folder.name, "a folder is named NNNN_what_changes")
    up_file, down_file = folder.joinpath("up.sql"), folder.joinpath("down.sql")
    if not up_file.is_file() or not down_file.is_file():
        raise BadMigration(folder.name, "up.sql and down.sql are both needed")
    return Migration(int(number), name, up_file.read_text("utf-8"), down_file.read_text("utf-8"))
