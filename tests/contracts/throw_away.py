"""A throw-away package from outside the repository: one dataset, task, model, metric, check and paper, and nothing else."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "throwaway/__init__.py": '"""A plug-in."""\n',
    "throwaway/datasets/__init__.py": "",
    "throwaway/datasets/two_sines/__init__.py": "",
    "throwaway/datasets/two_sines/card.toml": (
        'name = "two_sines"\ntitle = "Two sines"\nmodality = "series"\nunit = "mm"\nitems = 7\n'
        'subjects = "known"\nsynthetic = true\nlicence = "CC0-1.0"\n'
    ),
    "throwaway/datasets/two_sines/dataset.py": '''"""Seven sums of two sines."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hilum.core.data import Field, Item
from hilum.modalities.series.sample import Series


@dataclass(frozen=True)
class TwoSines:
    """Sums of two sines, one subject each."""

    samples: int = 120
    name: ClassVar[str] = "two_sines"
    synthetic: ClassVar[bool] = True
    ITEMS: ClassVar[tuple[str, ...]] = tuple(f"sum-{n}" for n in range(7))
    provides: ClassVar[dict] = {"series": Field("wave", "series", "mm")}

    def items(self, folder):
        return [Item(name, subject=name) for name in self.ITEMS]

    def load(self, folder, item):
        t = np.arange(self.samples) / 10
        number = int(item.id.partition("-")[2])
        wave = np.sin(2 * t + number) + 0.3 * np.sin(3.1 * t)
        return Series(item=item.id, subject=item.subject, values=wave[:, None], seconds_per_sample=0.1, unit="mm",
                      channels=("x",), points=0)
''',
    "throwaway/tasks/__init__.py": "",
    "throwaway/tasks/soon.py": '''"""Where is it in a moment?"""

from dataclasses import dataclass
from typing import ClassVar

from hilum.core.data import Need


@dataclass(frozen=True)
class Soon:
    """Three samples ahead, on records of a few seconds."""

    horizons_s: tuple[float, ...] = (0.3,)
    score_from_s: float = 4.0
    kind: ClassVar[str] = "forecast"
    unit: ClassVar[str] = "recording"
    leading_metric: ClassVar[str] = "median-miss"
    trivial: ClassVar[str] = "hold_last"
    needs: ClassVar[dict] = {"series": Need("series", "mm")}

    def horizons(self, seconds_per_sample):
        return tuple(round(h / seconds_per_sample) for h in self.horizons_s)

    def parts(self, samples, seconds_per_sample):
        return {"train": (0, 20), "choose": (20, 40), "score": (40, samples)}
''',
    "throwaway/models/__init__.py": "",
    "throwaway/models/straight_on.py": '''"""Straight on: the last step, again and again."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class StraightOn:
    """s(t + h) = s(t) + h * (s(t) - s(t - 1)) * gain."""

    gain: float = 1.0
    stochastic: ClassVar[bool] = False

    def start(self, setting, warm_up, seed):
        return _Running(setting, self.gain)


class _Running:
    def __init__(self, setting, gain):
        self.setting, self.gain, self.last, self.step = setting, gain, None, None

    def observe(self, sample):
        self.step = np.zeros_like(sample) if self.last is None else sample - self.last
        self.last = sample.copy()

    def learn(self, origin, horizon, target):
        return None

    def predict(self):
        return np.stack([self.last + h * self.gain * self.step for h in self.setting.horizons])

    def state(self):
        return {"last": self.last, "step": self.step}

    def restore(self, state):
        self.last, self.step = state["last"], state["step"]
''',
    "throwaway/metrics/__init__.py": "",
    "throwaway/metrics/misses.py": '''"""One more forecast metric."""

from hilum.core.metric import Metric, Score

KIND = "forecast"
METRICS = (
    Metric(
        name="median-miss", title="RMSE again", unit="mm", direction="lower", bounds=(0.0, float("inf")),
        definition="sqrt(sum_sq / n)", pooling="sums", source="none", needs=("sum_sq", "n"),
        compute=lambda c: Score(float((c["sum_sq"].sum() / c["n"].sum()) ** 0.5)),
    ),
)
''',
    "throwaway/checks/__init__.py": "",
    "throwaway/checks/hil901_throw_away.py": '''"""HIL901: always fails, to be seen."""

from hilum.core.check import Finding

CODE = "HIL901"
TITLE = "A throw-away check"
SEVERITY = "note"
KIND = "defect"
SCOPE = "arm"


def check(study):
    return Finding.failed(f"seen on {study.arm.name}")
''',
    "throwaway/papers/__init__.py": "",
    "throwaway/papers/sines/__init__.py": "",
    "throwaway/papers/sines/paper.toml": (
        'name = "sines"\ntitle = "Sines ahead"\narxiv = "0000.00000"\ndate = "2026-01-01"\ncode = ""\n'
        'one_line = "Nothing."\ndata_access = "open"\nmodality = "series"\nprimary = ["one"]\ncite = []\n'
    ),
    "throwaway/papers/sines/claims.csv": (
        "id,kind,metric,value,unit,relation,dataset,task,model,protocol,statement,n,of,spread,spread_kind,evidence,where,"
        "data_access,note\none,value,median-miss,0.5,mm,eq,d,t,m,p,The miss,7,,,,read,nowhere,open,\n"
    ),
    "throwaway/papers/sines/README.md": "# Sines ahead\n",
    "throwaway/papers/sines/experiment.py": '''"""Two arms."""

from hilum.core.experiment import Arm, Experiment, cells
from hilum.models.hold_last import HoldLast
from throwaway.datasets.two_sines.dataset import TwoSines
from throwaway.models.straight_on import StraightOn
from throwaway.tasks.soon import Soon


def straight_on():
    return Arm(TwoSines(), Soon(), StraightOn(), "causal", title="Straight on")


def hold_last():
    return Arm(TwoSines(), Soon(), HoldLast(), "causal", title="Hold last")


def experiment(preset):
    return Experiment("sines", cells([hold_last(), straight_on()], items=TwoSines.ITEMS))
''',
    "throwaway/papers/sines/bindings.py": '''"""One binding."""

from hilum.core.binding import Binding, Estimand
from throwaway.papers.sines.experiment import hold_last, straight_on


def bindings():
    return (Binding(("one",), arm=straight_on(), trivial=hold_last(), estimand=Estimand("recording"), basis="same-data"),)
''',
    "throwaway-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: throwaway\nVersion: 1.0\n",
    "throwaway-1.0.dist-info/entry_points.txt": "[hilum]\nthrowaway = throwaway\n",
    "throwaway-1.0.dist-info/RECORD": "",
}


def plant(folder: Path) -> Path:
    """Write the package into `folder`, as an installer would."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
