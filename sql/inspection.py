"""Decides whether a statement from outside may run, on ClickHouse's own parse of it; it runs nothing but the parser."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sql.errors import QueryRefused
from sql.isolation import COMMON_TABLES, TENANT_TABLES, VIEWS
from sql.statement import statement

STATEMENTS = frozenset({
    "SelectWithUnionQuery", "SelectIntersectExceptQuery", "ShowTables", "ShowColumns", "ShowFunctions",
    "ShowCreateTableQuery", "ShowCreateViewQuery", "ExistsTableQuery", "ExistsViewQuery", "DescribeQuery", "Explain",
})  # fmt: skip
"""What a statement may be, by ClickHouse's name for the root of its parse."""
TABLE_FUNCTIONS = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "generateSeries", "generate_series", "view", "values"}
)
"""Functions that may stand where a table does; every other could reach files, the network or unfiltered rows."""
OPEN_SYSTEM_TABLES = frozenset({
    "system.one", "system.numbers", "system.zeros", "system.settings", "system.functions", "system.formats",
    "system.data_type_families", "system.time_zones", "information_schema.columns",
})  # fmt: skip
"""What tools ask on connecting, and nothing that tells of rows or of other people's queries."""
SIZED_SYSTEM_TABLES = frozenset({
    "system.tables", "system.columns", "system.databases", "information_schema.tables", "information_schema.schemata",
})  # fmt: skip
"""These tell how many rows all tenants have, so only readers of all tenants see them."""

_OUTSIDE = re.compile(
    r"file\w*|fuzzquery|joinget\w*|dict\w*|sleep\w*|ai[a-z]+|naivebayes\w*|catboost\w*|get(?:server|merge|macro|client)\w*|"
    r"(?:full)?hostname|fqdn|serveruuid|\w*port|addressto\w+|demangle|showcertificate|generateserialid|zookeeper\w*|"
    r"mergetreepart\w*|transaction\w*|obfuscate\w*",
    re.IGNORECASE,
)
"""Functions that reach files, the network or the host, or only burn time."""
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_NODE = re.compile(r"^( *)(\w+)(?: (.+?))?(?: \(alias .*\))?(?: \(children \d+\))?$", re.DOTALL)


class Node(NamedTuple):
    """One line of ClickHouse's parse: the depth is the indent."""

    depth: int
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What one reader may name."""

    database: str
    limited: bool
    """The reader sees some tenants only."""
    closed_tables: frozenset[str]
    """Tables of our database that nobody reads: materialized views, and whatever others put there."""
    databases: frozenset[str]
    """Every other database."""
    table_functions: frozenset[str]
    """Names, in lower case, that reach beyond our tables where a table is expected."""

    def check_table(self, name: str) -> None:
        """Raises QueryRefused unless the table, view or common table expression may be read."""
        if name.lower() in OPEN_SYSTEM_TABLES or (name.lower() in SIZED_SYSTEM_TABLES and not self.limited):
            return
        table = name.removeprefix(f"{self.database}.")
        if table in self.closed_tables or not re.fullmatch(r"\w+", table):
            raise QueryRefused(f"table {name} may not be read")

    def check_identifier(self, name: str) -> None:
        """Raises QueryRefused where the right side of IN could be a table that may not be read."""
        head, _, rest = name.partition(".")
        if (rest and head in self.databases) or name.removeprefix(f"{self.database}.") in self.closed_tables:
            raise QueryRefused(f"{name} may not be read")

    def check_function(self, name: str) -> None:
        """Raises QueryRefused for a function that reaches outside; IN takes table functions too."""
        if name.lower() in self.table_functions or _OUTSIDE.fullmatch(name):
            raise QueryRefused(f"function {name} may not be used")


def rules_for(client: Any, database: str, *, limited: bool) -> Rules:
    """What may be named, from what this ClickHouse knows."""
    found = client.query(statement("catalogue"), parameters={"database": database})
    tables, databases, table_functions = found.result_rows[0]
    readable = {*TENANT_TABLES, *VIEWS, *COMMON_TABLES}
    allowed = {name.lower() for name in TABLE_FUNCTIONS} | {"format"}
    return Rules(
        database=database,
        limited=limited,
        closed_tables=frozenset(tables) - readable,
        databases=frozenset(databases),
        table_functions=frozenset(name.lower() for name in table_functions) - allowed,
    )


def inspect(client: Any, sql: str, *, rules: Rules, params: Mapping[str, object]) -> str:
    """The statement as ClickHouse reads it, without comments, checked.

    Raises QueryRefused, or what the client raises for text that is not one statement.
    """
    formatted = client.query("SELECT formatQuerySingleLine({text:String})", parameters={"text": sql})
    text: str = formatted.result_rows[0][0]
    _check_words(_QUOTED.sub("Q", text), limited=rules.limited)
    lines = client.query(f"EXPLAIN AST {text}", parameters=dict(params) or None).result_rows
    _check_tree([_node(line) for (line,) in lines], rules)
    return text


def _check_words(bare: str, *, limited: bool) -> None:
    words = set(re.findall(r"\w+", bare.upper()))
    if words & {"OUTFILE", "INFILE"}:
        raise QueryRefused("a query may not read or write files")
    if limited and words & {"PREWHERE", "EXPLAIN"}:
        raise QueryRefused("PREWHERE and EXPLAIN need a token for all tenants")


def _node(line: str) -> Node:
    match = _NODE.match(line)
    if match is None:
        raise QueryRefused("the parse of the statement cannot be read")
    return Node(len(match[1]), match[2], (match[3] or "").strip())


def _check_tree(nodes: list[Node], rules: Rules) -> None:
    root = nodes[0]
    if root.kind not in STATEMENTS:
        raise QueryRefused("only SELECT, WITH, SHOW, DESCRIBE, EXISTS and EXPLAIN are answered here")
    if root.kind.startswith(("ShowCreate", "Exists")):
        rules.check_table(root.name.replace(" ", "."))
    for parent, node in zip([root, *nodes], nodes, strict=False):
        if node.kind == "Set" and not (root.kind == "Explain" and node.depth == 1):
            raise QueryRefused("settings are the server's to choose")
        if node.kind == "TableIdentifier":
            rules.check_table(node.name)
        elif node.kind == "Identifier":
            rules.check_identifier(node.name)
        elif node.kind == "Function":
            rules.check_function(node.name)
            if parent.kind == "TableExpression" and node.name not in TABLE_FUNCTIONS:
                raise QueryRefused(f"table function {node.name} may not be used")
