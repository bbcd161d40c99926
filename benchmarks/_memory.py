"""Peak memory of the process that asks."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_mb() -> float:
    """Most memory that this program has held, MB: its own, where the system says so, not what it inherited when it was started."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    own = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return (own[0] if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024
