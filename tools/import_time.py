"""Fails the build when `import hilum` or `hilum --help` is slow, or brings in something heavy.

CPU time (user and system) of child interpreters, minimum of five: `import hilum` within 0.3 s of a bare interpreter,
`hilum --help` within 0.5 s.
"""

from __future__ import annotations

import os
import subprocess
import sys

HEAVY = ("torch", "sklearn", "pandas", "polars", "pyarrow", "numba", "scipy", "matplotlib")
IMPORT_LIMIT_S = 0.3
HELP_LIMIT_S = 0.5
LOADED = f"import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
HELP = "import sys; sys.argv = ['hilum', '--help']; from hilum.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"


def main() -> int:
    """Print the three times and what was loaded; 1 where a limit is passed."""
    bare, imported, helped = (cpu_seconds(code) for code in ("pass", "import hilum", HELP))
    rows = (
        ("import hilum, above a bare interpreter", imported - bare, IMPORT_LIMIT_S),
        ("hilum --help", helped, HELP_LIMIT_S),
    )
    failed = False
    for name, seconds, limit in rows:
        failed |= seconds > limit
        print(f"{name:<40} {seconds:.3f} s CPU, limit {limit:g} s{'  OVER' if seconds > limit else ''}")
    for name, code in (("import hilum", "import hilum"), ("hilum --help", HELP)):
        heavy = run(f"{code}\n{LOADED}").strip().splitlines()[-1:]
        loaded = [word for word in " ".join(heavy).split() if word in HEAVY]
        failed |= bool(loaded)
        print(f"{name:<40} loads {', '.join(loaded) or 'nothing heavy'}")
    return int(failed)


def cpu_seconds(code: str) -> float:
    """The least CPU time of five child interpreters that run `code`, s."""
    return min(_once(code) for _ in range(5))


def _once(code: str) -> float:
    before = os.times()
    run(code)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def run(code: str) -> str:
    """What a child interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
