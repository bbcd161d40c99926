"""Frames of breathing chests, forecast through the weights of their motion (arXiv 2410.05882): the cells behind its tables.

Data      four of the twelve film sequences (dataset `cine_mri_frames`): two of ETH Zurich, whole; two of OvGU Magdeburg, cropped to the
          region of interest. The motion weights of all twelve (`cine_mri_pca_weights`)
Minutes   smoke 1, quick 6 on two cores (3 seeds, small grids); full is a cluster's work: see the README
Expect    ETH films, whole image, mean over seven horizons: nRMSE of the ceiling 0.1497, of linear regression 0.1988, of LMS 0.1994, of
          the held weight 0.2434, of the previous image 0.2875: every printed digit of these rows, of both films and the region too
Protocols published   the order of operations of the released code: online learners are handed the label of frame t + h at frame t
          causal      a label is handed out when its frame has been seen
          Networks stand three times: as published; causal with the settings that the published protocol chooses; causal and retuned.
          The last two are paired by sequence
Motion    The paper's flow settings of each sequence are part of its protocol, and so is that the offline methods (linear regression,
          transformers) fit their motion model on the frames that they are fitted on themselves, 160 or 303, where the online ones
          have one of 90 or 170: only so are the printed figures of the linear regression had
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hilum.core.experiment import Arm, Cell, Experiment, Preset, Search, cells
from hilum.datasets.cine_mri_frames.dataset import CineMriFrames
from hilum.datasets.cine_mri_pca_weights.dataset import CineMriPcaWeights
from hilum.datasets.simulated_cine.dataset import SimulatedCine
from hilum.modalities.video.optical_flow import OpticalFlow
from hilum.models.dni import Dni
from hilum.models.fixed_hidden_weights import FixedHiddenWeights
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.linear_regression import LinearRegression
from hilum.models.mixture import Mixture
from hilum.models.nearest_analogues import NearestAnalogues
from hilum.models.population_transformer.settings import PopulationTransformer
from hilum.models.principal_component_least_squares import PrincipalComponentLeastSquares
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.models.ridge_regression import RidgeRegression
from hilum.models.rtrl import Rtrl
from hilum.models.sequence_transformer.settings import SequenceTransformer
from hilum.models.snap1 import SnAp1
from hilum.models.uoro import Uoro
from hilum.tasks.frame_ahead import FrameAhead
from hilum.tasks.signal_ahead import SignalAhead

STATEMENT = {
    "intended_use": "compensating the latency of beam control under image guidance while a patient breathes; research use only",
    "time_zero": "each frame of a film, once its train and choosing parts have passed",
    "horizon": "0.3 to 2.2 s ahead at 3.18 Hz, 0.17 to 2.2 s at 6 Hz",
    "unit": "the sequence; ten healthy people, of whom frames of four are open: nothing can be concluded about patients",
    "eligibility": "all four sequences whose frames are open, and the motion weights of all twelve",
    "validation": "internal: each sequence is forecast from its own past",
}

Protocol = Literal["published", "causal"]
Row = Literal["published", "causal, published settings", "causal, retuned"]
ROWS: tuple[Row, ...] = ("causal, retuned", "causal, published settings", "published")


# ---- the two sites


@dataclass(frozen=True)
class Site:
    """One data set of the paper, with its parts and grids; counts are in frames.

    Attributes:
        claims: As the claims name it.
        title: As titles name it.
        rate_hz: Frames a second.
        films: Sequences whose frames are open; `absent` the others.
        train: Frames that the motion model of online methods and their scaling are fitted on.
        offline: Frames that offline methods, and their motion model, are fitted on.
        chosen: Where the test part begins.
        horizons: The longest horizon.
        few: Horizons that small runs of costly methods make.
        history: Published candidates.
        flows: Published settings of the flow, by film.
        pretrained_on: The other site's weights.
    """

    claims: str
    title: str
    rate_hz: float
    films: tuple[str, ...]
    absent: tuple[str, ...]
    train: int
    offline: int
    chosen: int
    horizons: int
    few: tuple[int, ...]
    history: tuple[int, ...]
    flows: tuple[tuple[str, OpticalFlow], ...]
    pretrained_on: Any = None

    def seconds(self, frames: int) -> float:
        """A number of frames in seconds, to a hundredth of a frame or better."""
        return round(frames / self.rate_hz, 3)

    def ahead(self, *, small: bool) -> tuple[float, ...]:
        """Horizons in seconds."""
        return tuple(self.seconds(h) for h in (self.few if small else range(1, self.horizons + 1)))


def _flow(init: float, subsample: float, window: float, layers: int, iterations: int) -> OpticalFlow:
    return OpticalFlow(init, subsample, window, layers, iterations, rules="published")


# Flow settings, region and parts of each sequence: the authors' tables, `author_sequence_parameters.json` in cine_mri_pca_weights.
ETH = Site(
    claims="eth",
    title="ETH",
    rate_hz=3.18,
    films=("eth_sl010_xcs125", "eth_sl014_xcs95"),
    absent=("eth_sl010_xcs80", "eth_sl014_xcs165"),
    train=90,
    offline=160,
    chosen=180,
    horizons=7,
    few=(1, 3, 7),
    history=(6, 12, 18, 24, 30),
    flows=(("eth_sl010_xcs125", _flow(0.1, 0.1, 2.0, 2, 1)), ("eth_sl014_xcs95", _flow(0.1, 0.1, 2.0, 2, 1))),
    pretrained_on=CineMriPcaWeights(group="OvGU"),
)
OVGU = Site(
    claims="ovgu",
    title="OvGU",
    rate_hz=6.0,
    films=("ovgu_jy02", "ovgu_ks81"),
    absent=("ovgu_qn76", "ovgu_cs31", "ovgu_on65", "ovgu_ps11", "ovgu_ii29", "ovgu_ne38"),
    train=170,
    offline=303,
    chosen=340,
    horizons=13,
    few=(1, 6, 13),
    history=(11, 23, 34, 45, 57),
    flows=(("ovgu_jy02", _flow(0.1, 1.0, 2.0, 3, 3)), ("ovgu_ks81", _flow(0.1, 1.0, 2.0, 3, 2))),
    pretrained_on=CineMriPcaWeights(group="ETH"),
)
SITES = (ETH, OVGU)
# Synthetic: no claim is about it.
SIMULATED = Site("simulated", "simulated", 4.0, ("simulated-1",), (), 60, 90, 110, 8, (1, 4, 8), (6, 12), ())


# ---- what is forecast: frames, or the weights alone


@dataclass(frozen=True)
class Setup:
    """A data set and the task upon it.

    Attributes:
        site: Whose sequences.
        on: Frames, through the weights of their motion; or the published weights of all sequences.
    """

    site: Site
    on: Literal["frames", "weights"] = "frames"

    @property
    def simulated(self) -> bool:
        """Whether its films are."""
        return self.site.claims == SIMULATED.claims

    @property
    def dataset(self) -> Any:
        """Where samples come from."""
        if self.simulated:
            return SimulatedCine(recordings=1)
        return CineMriFrames() if self.on == "frames" else CineMriPcaWeights(group=self.site.title)  # type: ignore[arg-type]

    @property
    def items(self) -> tuple[str, ...]:
        """What is forecast."""
        return self.site.films if self.on == "frames" else tuple(self.dataset.ITEMS)

    @property
    def title(self) -> str:
        """As it stands in a row's title."""
        return self.site.title if self.on == "frames" else f"weights of {self.site.title}"

    def task(self, *, small: bool = False, offline: bool = False, **settings: Any) -> Any:
        """Its parts and horizons; `offline` is for methods that are fitted once, `small` for small runs."""
        site = self.site
        times: dict[str, Any] = {
            "horizons_s": site.ahead(small=small),
            "train_s": site.seconds(site.offline if offline else site.train),
            "score_from_s": site.seconds(site.chosen),
        }
        if self.on == "weights":
            return SignalAhead(**times)  # published weights: their motion model is that of the online methods
        if self.simulated:
            return FrameAhead(**{"components": (1, 2), **times, **settings})
        return FrameAhead(flow_by_item=site.flows, **times, **settings)

    def arm(
        self,
        name: str,
        model: Any,
        protocol: Protocol,
        search: Search | None = None,
        *,
        note: str = "",
        task: Any = None,
        pretraining: Any = None,
    ) -> Arm:
        """A row; its title says what, on which sequences, and under which protocol."""
        title = f"{name}, {self.title} ({note or protocol})"
        return Arm(self.dataset, task or self.task(), model, protocol, search, pretraining=pretraining, title=title)


# ---- what learns nothing


def hold_weight(setup: Setup) -> Arm:
    """The trivial predictor; it learns nothing, so the protocols coincide."""
    return setup.arm("Hold weight", HoldLast(), "causal")


def previous_image(setup: Setup) -> Arm:
    """The frame of h frames ago: no flow, no model."""
    task = setup.task(components=(1,), shown="previous image")
    return setup.arm("Previous image", HoldLast(), "causal", task=task)


def true_field(setup: Setup) -> Arm:
    """Frame 0 pushed along the flow found in the very frame: what flow and warping lose. It knows the frame, so it competes with none."""
    task = setup.task(components=(1,), shown="true field")
    return setup.arm("True field", HoldLast(), "causal", task=task, note="ceiling, no competitor")


# ---- the paper's methods


def linear_regression(setup: Setup, protocol: Protocol) -> Arm:
    """Fitted once on the first 160 or 303 frames, history chosen on those up to the test part; no label is ever early."""
    site = setup.site
    search = Search((("history", site.history),), "nrmse")
    model = LinearRegression(fit_seconds=site.seconds(site.offline))
    return setup.arm("Linear regression", model, protocol, search, task=setup.task(offline=True))


LMS_RATE = (0.02, 0.05, 0.1, 0.2)


def least_mean_squares(setup: Setup, protocol: Protocol) -> Arm:
    """The published grid, one setting a sequence, horizon and number of components."""
    search = Search((("history", setup.site.history), ("rate", LMS_RATE)), "nrmse")
    return setup.arm("LMS", LeastMeanSquares(), protocol, search)


SMALL, ONE_RUN = ", small grid", ", chosen on one run"
NETWORKS: dict[str, Any] = {
    "SnAp-1": SnAp1(),
    "RTRL": Rtrl(),
    "UORO": Uoro(variant="published"),
    "DNI": Dni(credit_rate=0.002),
    "Fixed weights": FixedHiddenWeights(),
}
UNITS = (10, 30, 50, 70, 90, 110)
RATE = (0.005, 0.01, 0.015, 0.02)
RETUNED_RATE = (0.001, 0.003, 0.01, 0.02)
CHOOSING_RUNS, CHOOSING_RUNS_RTRL = 250, 10


def network(setup: Setup, name: str, row: Row, *, small: bool = False) -> Arm:
    """One of `NETWORKS` under one of `ROWS`: the published grid of settings, or few candidates, runs and horizons in small runs.

    Of SnAp-1, which is cheap and hardly moved by its first weights, small runs on ETH films have the whole grid, chosen from on one run.
    """
    units: tuple[int, ...] = UNITS
    rate: tuple[float, ...] = RETUNED_RATE if row == "causal, retuned" else RATE
    history = setup.site.history
    cheap = small and name == "SnAp-1" and setup.on == "frames" and setup.site.claims == ETH.claims
    if small and not cheap:
        units, history, rate = (10,) if name == "RTRL" else (30, 90), history[:2], (rate[1], rate[-1])
    runs = CHOOSING_RUNS_RTRL if name == "RTRL" else CHOOSING_RUNS
    search = Search(
        (("units", units), ("history", history), ("rate", rate)),
        "nrmse",
        seeds=1 if small else runs,
        protocol="published" if row == "causal, published settings" else "",
    )
    protocol: Protocol = "published" if row == "published" else "causal"
    said = f"{name}{ONE_RUN if cheap else SMALL if small else ''}"
    return setup.arm(said, NETWORKS[name], protocol, search, note=row, task=setup.task(small=small and not cheap))


def sequence_transformer(setup: Setup, *, small: bool = False) -> Arm:
    """Fitted once, as the linear regression is; `small` is one setting and three components. Needs the extra `deep`."""
    site = setup.site
    model = SequenceTransformer(history=site.history[0], fit_seconds=site.seconds(site.offline))
    if small:
        task = setup.task(small=True, offline=True, **_three(setup))
        return setup.arm(f"Sequence transformer{SMALL}", model, "causal", task=task)
    grid = (("history", site.history), ("rate", (1e-4, 5e-4)), ("layers", (1, 2)), ("width", (8, 16)))
    search = Search(grid, "nrmse", seeds=10)
    return setup.arm("Sequence transformer", model, "published", search, task=setup.task(offline=True))


def population_transformer(setup: Setup, *, small: bool = False) -> Arm:
    """Trained on the other site's published weights, which have three components, and on none of this one. Needs the extra `deep`."""
    model = PopulationTransformer(history=setup.site.history[0], scaling="pooled", kept="last")
    name, search = "Population transformer", None
    if small:
        name, model = f"{name}, 20 passes", replace(model, epochs=20)
    else:
        grid = (("history", setup.site.history), ("rate", (1e-4, 5e-4)), ("layers", (1, 2)), ("width", (8, 16)))
        search = Search(grid, "nrmse")
    task = setup.task(small=small, offline=True, **_three(setup))
    return setup.arm(name, model, "causal", search, task=task, pretraining=setup.site.pretrained_on)


def _three(setup: Setup) -> dict[str, Any]:
    return {"components": (3,)} if setup.on == "frames" else {}


# ---- ours


def causal_rows(setup: Setup) -> list[Arm]:
    """What can be had without early labels, at settings fixed beforehand on markers; best first."""
    rows: list[tuple[str, Any]] = [
        ("Mixture", Mixture()),
        ("Analogues", NearestAnalogues()),
        ("RLS on components", PrincipalComponentLeastSquares()),
        ("RLS, increments", RecursiveLeastSquares(target="increment")),
    ]
    return [setup.arm(name, model, "causal", task=setup.task(small=True)) for name, model in rows]


def ridge_regression(setup: Setup) -> Arm:
    """Linear regression with a penalty, chosen with the history."""
    site = setup.site
    search = Search((("history", site.history[:2]), ("penalty", (1.0, 10.0, 100.0))), "nrmse")
    model = RidgeRegression(fit_seconds=site.seconds(site.offline))
    return setup.arm("Ridge regression", model, "causal", search, task=setup.task(small=True, offline=True))


# ---- the experiment


def experiment(preset: Preset) -> Experiment:
    """Frames first, then the published weights alone; causal rows first."""
    if preset.synthetic or preset.size == "smoke":
        return _smoke(preset)
    seeds = preset.seed_range(smoke=1, quick=5, full=25)
    made: list[Cell] = []
    for setup in (Setup(site, on) for on in ("frames", "weights") for site in SITES):
        made += cells(exact_arms(setup) + causal_rows(setup) + [ridge_regression(setup)], items=setup.items)
        made += cells(
            [network(setup, name, row, small=True) for row in ROWS for name in NETWORKS],
            items=setup.items,
            seeds=seeds[:3],
        )
        made += cells([sequence_transformer(setup, small=True)], items=setup.items, seeds=seeds[:2])
        made += cells([population_transformer(setup, small=True)], items=setup.items)
        if preset.size == "full":
            few = [network(setup, "RTRL", row) for row in ROWS]
            few += [sequence_transformer(setup), population_transformer(setup)]
            many = [network(setup, name, row) for row in ROWS for name in NETWORKS if name != "RTRL"]
            made += [*cells(many, items=setup.items, seeds=seeds), *cells(few, items=setup.items, seeds=seeds[:5])]
    return Experiment("cine-mri", tuple(made))


def exact_arms(setup: Setup) -> list[Arm]:
    """Rows in which nothing is drawn at random, exactly as published, and their causal twins."""
    arms = [hold_weight(setup), linear_regression(setup, "causal"), least_mean_squares(setup, "causal")]
    arms += [linear_regression(setup, "published"), least_mean_squares(setup, "published")]
    return arms + ([previous_image(setup), true_field(setup)] if setup.on == "frames" else [])


def _smoke(preset: Preset) -> Experiment:
    """Every kind of method once, on one film and at three horizons; on simulated frames where asked."""
    site = SIMULATED if preset.synthetic else ETH
    setup = Setup(replace(site, horizons=3))
    arms = [*exact_arms(setup), *causal_rows(setup), ridge_regression(setup)]
    arms += [network(setup, "SnAp-1", row, small=True) for row in ROWS]
    return Experiment("cine-mri", cells(arms, items=setup.items[:1], seeds=preset.seed_range(smoke=1, quick=2, full=5)))
