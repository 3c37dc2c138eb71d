"""`python -m calibration`: runs every section on two processes and prints one table; exit code 1 if anything fails."""

import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from calibration import operations
from calibration.bernoulli import bernoulli
from calibration.counts import counts
from calibration.drift import drift
from calibration.drift_peers import drift_peers
from calibration.finding import Finding
from calibration.fleet import fleet
from calibration.offenders import offenders
from calibration.severity import severity
from calibration.spikes import spikes

SECTIONS: tuple[Callable[[], Iterable[Finding]], ...] = (
    drift,
    fleet,
    spikes,
    drift_peers,
    offenders,
    operations.automation,
    operations.filter_fault,
    operations.silence,
    severity,
    bernoulli,
    counts,
)
"""Each draws from its own fixed seeds, so the order does not matter."""


def main() -> int:
    """Run the sections named on the command line, or all."""
    wanted = [one for one in SECTIONS if not sys.argv[1:] or one.__module__.rpartition(".")[2] in sys.argv[1:]]
    started = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        findings = [finding for found in pool.map(_run, wanted) for finding in found]
    _show(findings)
    failed = sum(not finding.holds for finding in findings)
    print(f"{len(findings)} numbers, {failed} outside their bounds, {time.perf_counter() - started:.0f} s")
    return 1 if failed else 0


def _run(section: Callable[[], Iterable[Finding]]) -> list[Finding]:
    return list(section())


def _show(findings: list[Finding]) -> None:
    for name in dict.fromkeys(finding.table for finding in findings):
        table = Table("case", "measured", "expected", "bounds", "", title=name, title_justify="left")
        for one in (finding for finding in findings if finding.table == name):
            expected = "" if one.expected is None else f"{one.expected:.5g}"
            mark = "" if one.holds else "FAILS"
            table.add_row(one.case, f"{one.measured:.5g}", expected, f"{one.low:.5g} .. {one.high:.5g}", mark)
        Console(width=140).print(table)


if __name__ == "__main__":
    sys.exit(main())
