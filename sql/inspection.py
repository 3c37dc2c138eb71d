"""Decides whether a statement from outside may run, on ClickHouse's own parse of it; it runs nothing but the parser."""

import re
from collections.abc import Iterator
from typing import Any

from sql.errors import QueryRefused
from sql.isolation import COMMON_TABLES, FEEDERS, TENANT_TABLES, VIEWS

STATEMENTS = frozenset({
    "SelectWithUnionQuery", "SelectIntersectExceptQuery", "ShowTables", "ShowColumns", "ShowFunctions",
    "ShowCreateTableQuery", "ShowCreateViewQuery", "ExistsTableQuery", "ExistsViewQuery", "ExistsDatabaseQuery",
    "DescribeQuery", "Explain",
})  # fmt: skip
"""What a statement may be, by ClickHouse's name for the root of its parse."""
TABLE_FUNCTIONS = frozenset({"numbers", "numbers_mt", "zeros", "zeros_mt", "generateSeries", "generate_series", "view", "values"})
"""Functions that may stand where a table does; every other could reach files, the network or unfiltered rows."""
SYSTEM_TABLES = frozenset({
    "system.one", "system.numbers", "system.zeros", "system.tables", "system.columns", "system.databases",
    "system.settings", "system.functions", "system.formats", "system.data_type_families", "system.time_zones",
    "information_schema.tables", "information_schema.columns", "information_schema.schemata",
})  # fmt: skip
"""What tools ask on connecting, and nothing that shows other people's queries."""
_FORBIDDEN_FUNCTION = re.compile(
    r"(?i)^(file|filesystem\w*|joinget\w*|dict\w*|sleep\w*|getserver\w*|getmacro|getclienthttpheader|tcpport|fqdn|"
    r"hostname|serveruuid|currentprofiles|currentuser|currentroles|enabledroles|initial\w*user|catboost\w*|naivebayes\w*|"
    r"modelevaluate|addressto\w*|demangle|showcertificate|generateserialid|zookeeper\w*|mergetreepart\w*|"
    r"evalmlmethod|ai[A-Z]\w*|ai_\w*|llm\w*|python\w*|executable\w*|queryid|query_id|getsetting\w*|connectionid)$"
)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_NODE = re.compile(r"^( *)(\w+)(?: (\S+))?(?: (\S+))?")
_CTE = re.compile(r"(?:\bWITH(?: RECURSIVE)?|,) (\w+|Q) AS \(")


def inspect(client: Any, sql: str, *, database: str, params: dict[str, str], limited: bool) -> str:
    """Return the statement as ClickHouse reads it: one statement, no comments. `limited` readers may less.

    Raises QueryRefused, or what the client raises for text that does not parse.
    """
    found = client.query("SELECT formatQuerySingleLine({statement:String})", parameters={"statement": sql})
    statement: str = found.result_rows[0][0]
    _check_words(_QUOTED.sub("Q", statement), limited=limited)
    tree = client.query("EXPLAIN AST " + statement, parameters=params or None)
    _check_tree([_node(row[0]) for row in tree.result_rows], database=database, limited=limited)
    return statement


def _check_words(bare: str, *, limited: bool) -> None:
    words = set(re.findall(r"\w+", bare.upper()))
    if words & {"OUTFILE", "INFILE"}:
        raise QueryRefused("a query may not read or write files")
    if limited and words & {"PREWHERE", "EXPLAIN"}:
        raise QueryRefused("PREWHERE and EXPLAIN need a token for all tenants")


def _node(line: str) -> tuple[int, str, str, str]:
    match = _NODE.match(line)
    if match is None:
        raise QueryRefused("the statement's parse cannot be read")
    return len(match[1]), match[2], match[3] or "", match[4] or ""


def _check_tree(nodes: list[tuple[int, str, str, str]], *, database: str, limited: bool) -> None:
    kind = nodes[0][1]
    if kind not in STATEMENTS:
        raise QueryRefused("only SELECT, WITH, SHOW, DESCRIBE, EXISTS and EXPLAIN are answered here")
    if kind in {"ShowCreateTableQuery", "ShowCreateViewQuery", "ExistsTableQuery", "ExistsViewQuery"}:
        _check_table(".".join(filter(None, nodes[0][2:])), database, frozenset())
    names = frozenset(_common_table_expressions(nodes))
    in_table = -2
    for depth, node, name, _ in nodes:
        if node == "TableExpression":
            in_table = depth
        elif node == "Function":
            _check_function(name, as_table=depth == in_table + 1)
        elif node == "TableIdentifier":
            _check_table(name, database, names)
        elif node == "Identifier":
            _check_identifier(name)


def _check_function(name: str, *, as_table: bool) -> None:
    if as_table and name not in TABLE_FUNCTIONS:
        raise QueryRefused(f"table function {name} may not be used")
    if not as_table and _FORBIDDEN_FUNCTION.match(name):
        raise QueryRefused(f"function {name} may not be used")


def _check_table(name: str, database: str, names: frozenset[str]) -> None:
    if name in names or name.lower() in SYSTEM_TABLES:
        return
    table = name.removeprefix(f"{database}.")
    if table not in {*TENANT_TABLES, *VIEWS, *COMMON_TABLES}:
        raise QueryRefused(f"table {name} may not be read")


def _check_identifier(name: str) -> None:
    head, _, rest = name.lower().partition(".")
    if (rest and head in {"system", "information_schema"}) or name.rpartition(".")[2] in FEEDERS:
        raise QueryRefused(f"{name} may not be read")


def _common_table_expressions(nodes: list[tuple[int, str, str, str]]) -> Iterator[str]:
    raise NotImplementedError
