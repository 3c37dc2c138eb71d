"""The API's Analytics port over the store: runs SQL and named queries in threads and translates their errors."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from api.errors import Invalid, QueryRefused, StoreUnavailable, Unknown
from api.ports import NamedQuery, SqlAnswer, SqlRequest
from sql import errors
from sql.query import named_queries, run_query
from sql.readonly import Limits, Question, run_readonly
from sql.store import Store

_ACCESS_DENIED = 497
_TYPES = {
    "CSV": "text/csv; charset=UTF-8",
    "CSVWithNames": "text/csv; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}


class StoreAnalytics:
    """Read-only questions to ClickHouse, under limits, for the tenants of the asker."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store, self._limits = store, limits

    async def run(self, request: SqlRequest) -> SqlAnswer:
        """Run SQL under the row and time limits. Raises QueryRefused or StoreUnavailable."""
        question = Question(request.sql, request.parameters, request.format or "TabSeparated")
        with _translated():
            answer = await asyncio.to_thread(
                run_readonly, self._store, question, limits=self._limits, tenants=request.tenants
            )
        return SqlAnswer(answer.body, _TYPES.get(answer.format, "application/octet-stream"), answer.headers)

    async def query(
        self, name: str, parameters: Mapping[str, str], tenants: frozenset[str] | None
    ) -> Sequence[Mapping[str, Any]]:
        """Run a named query. Raises Unknown, Invalid, QueryRefused or StoreUnavailable."""
        with _translated():
            table = await asyncio.to_thread(run_query, self._store, name, parameters, tenants=tenants)
        return table.dicts()

    def catalogue(self) -> Sequence[NamedQuery]:
        """Every named query, by name."""
        return tuple(NamedQuery(one.name, one.question, one.parameters) for one in named_queries().values())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except errors.UnknownQuery as error:
        raise Unknown(field="name") from error
    except errors.BadParameter as error:
        raise Invalid(field=error.parameter, detail={"reason": "does_not_fit"}) from error
    except errors.QueryRefused as error:
        raise QueryRefused(code=_ACCESS_DENIED, name="ACCESS_DENIED", reason=error.reason) from error
    except errors.QueryFailed as error:
        raise QueryRefused(code=error.code, name=error.name, reason=_words_of(error)) from error
    except errors.StoreUnavailable as error:
        raise StoreUnavailable from error


def _words_of(error: errors.QueryFailed) -> str:
    # The client library wraps ClickHouse's sentence in its own, which names the server's address.
    sentence = error.message.rpartition("DB::Exception: ")[2].partition("(for url")[0]
    return sentence.partition(f"({error.name})")[0].strip()[:2000]
