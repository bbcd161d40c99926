"""Yet Another ICU Benchmark (arXiv 2306.05109): from raw tables to cohorts, five tasks, and the protocols of its models.

Data      the open demos: raw MIMIC-III tables (cohorts are built here, in a second each) and the published eICU cohorts; in full also a
          user's own cohorts of AUMCdb, HiRID, eICU and MIMIC-IV (`yaib_cohorts`: credentialed, so its cells read "not run")
Minutes   smoke 0.3, quick about 4, full some hours (25 nested folds, tuning inside train, all models)
Expect    eICU demo, death after 24 h, 1,367 stays of 1,146 patients, 70 deaths, folds by patient: AUROC of logistic regression about
          0.76, of a small fixed LightGBM about 0.79, each within 0.06: they cannot be told apart, nor can any models on 99 stays of
          MIMIC-III. Sepsis is refused: one positive stay
Protocols published   YAIB's rules for the cohort, its preprocessing, and folds of stays, whoever's they are: HIL001 fails
          honest      our rules, history of what was observed, folds of patients
Pairs     The same cohort stands under both; eICU demo stays were published as a cohort, so there the rules are YAIB's in both
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hilum.core.errors import UsageError
from hilum.core.experiment import Arm, Cell, Experiment, Preset, Search
from hilum.core.split import Rule
from hilum.datasets.mimic3_demo.dataset import Mimic3Demo
from hilum.datasets.yaib_cohorts.dataset import DATABASES, YaibCohorts
from hilum.datasets.yaib_demo.dataset import YaibDemo
from hilum.engine.tables.runner import PERMUTED
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.flag_missing import FlagMissing
from hilum.modalities.table.steps.forward_fill import ForwardFill
from hilum.modalities.table.steps.history import History
from hilum.modalities.table.steps.scale import Scale
from hilum.models.causal_transformer.settings import CausalTransformer
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.elastic_net import ElasticNet
from hilum.models.gru import GRU
from hilum.models.light_gbm.settings import LightGBM
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.lstm import LSTM
from hilum.models.random_forest import RandomForest
from hilum.models.temporal_convolution.settings import TemporalConvolution
from hilum.tasks.predict_class import PredictClass
from hilum.tasks.predict_value import PredictValue

Protocol = Literal["published", "honest"]
PROTOCOLS: tuple[Protocol, ...] = ("honest", "published")
TASKS = ("mortality24", "aki", "sepsis", "kidney_function", "length_of_stay")
NUMBERS = frozenset({"kidney_function", "length_of_stay"})
IN_WORDS = {
    "mortality24": "death after 24 h",
    "aki": "kidney injury in 6 h",
    "sepsis": "sepsis in 6 h",
    "kidney_function": "creatinine of day 2",
    "length_of_stay": "remaining stay",
}
STATEMENT = {
    "intended_use": "none: a benchmark of methods on hospital records; research use only",
    "population": "adults in intensive care for 6 hours or more (death: 30 hours), of two open demos: 100 patients of one hospital, who "
    "all died later, and 2,520 stays of 186 hospitals",
    "time_zero": "24 hours after admission to intensive care; kidney injury, sepsis and remaining stay: every full hour of the stay",
    "horizon": "death: the rest of the stay in intensive care; kidney injury and sepsis: 6 hours; creatinine: hours 24 to 48",
    "outcome": "ICU death; KDIGO stage 1 or more; Sepsis-3; median creatinine (mg/dL); remaining hours in intensive care, at most 168",
    "predictors": "48 hourly measurements, age, sex, height, weight",
    "unit": "the stay, or the hour of a stay; intervals are over patients",
    "validation": "internal, by cross-validation; between the two databases, both ways; and hospital by hospital in eICU",
    "limits": "demos: no figure here speaks of a hospital",
}
STATIC = 4  # age, sex, height and weight stand first

# Models

# Two settings that were fixed after a few had been seen on the folds of the eICU demo: figures there are no result of a search.
FIXED_ENSEMBLE = LightGBM(rounds=150, learning_rate=0.1, leaves=8, depth=3, rows_per_leaf=20, penalty=20.0)
RIDGE = LogisticRegression(inverse_penalty=0.003)
GATED = GRU(hidden=64, learning_rate=2e-3, epochs=30, patience=5, static_columns=STATIC)
Grid = tuple[tuple[str, tuple[Any, ...]], ...]
SMALL: dict[str, Any] = {"lr": RIDGE, "en": ElasticNet(penalty=0.05), "lgbm": FIXED_ENSEMBLE, "gru": GATED}
LARGE: dict[str, Any] = {
    **SMALL,
    "lstm": LSTM(hidden=64, epochs=50, static_columns=STATIC),
    "tcn": TemporalConvolution(hidden=64, epochs=50, kernel=4, levels=3, static_columns=STATIC),
    "transformer": CausalTransformer(hidden=64, epochs=50, static_columns=STATIC),
    "local-transformer": CausalTransformer(hidden=64, epochs=50, window=24, static_columns=STATIC),
    "rf": RandomForest(trees=300, rows_per_leaf=10),
}
SEQUENCES = frozenset({"gru", "lstm", "tcn", "transformer", "local-transformer"})
NAMES = {
    "constant": "Constant",
    "lr": "Logistic regression",
    "en": "Elastic net",
    "lgbm": "LightGBM",
    "gru": "GRU",
    "lstm": "LSTM",
    "tcn": "TCN",
    "transformer": "Transformer",
    "local-transformer": "Local transformer",
    "rf": "Random forest",
}
# Chosen on the validation part, inside train. YAIB draws thirty candidates of wider ranges, or one at random.
_DEEP: Grid = (("learning_rate", (3e-4, 2e-3)), ("hidden", (32, 128)))
GRIDS: dict[str, Grid] = {
    "lr": (("inverse_penalty", (0.001, 0.01, 0.1, 1.0)),),
    "en": (("penalty", (0.003, 0.03, 0.3)), ("l1_share", (0.1, 0.9))),
    "lgbm": (("rounds", (150, 500)), ("depth", (3, 6)), ("penalty", (1.0, 20.0))),
    "rf": (("rows_per_leaf", (3, 20)),),
    **dict.fromkeys(SEQUENCES, _DEEP),
}

# Preprocessing. The constant predictor looks at nothing, so nothing is prepared for it.

NOTHING = Recipe((Fill(),))
_PUBLISHED = (
    FlagMissing(on=("static",)),
    Scale(on=("measured", "static"), but=("male",)),
    FlagMissing(on=("measured",)),
    ForwardFill(),
    Fill(),
)
PUBLISHED_SEQUENCES = Recipe(_PUBLISHED)
PUBLISHED_RECORDS = Recipe((*_PUBLISHED, History(of=("min", "max", "count", "mean"))))
OUR_SEQUENCES = Recipe((FlagMissing(on=("measured", "static")), ForwardFill(), Scale(), Fill()))
OUR_RECORDS = Recipe(
    (
        FlagMissing(on=("static",)),
        History(of=("last", "min", "max", "mean", "count")),
        Scale(on=("measured", "static", "derived"), but=("male",)),
        Fill(),
    )
)

# Splits

NESTED = Rule(folds=5, inner=5)
NESTED_STAYS = Rule("shuffled-k-fold", folds=5, inner=5, unit="sequence")
PLAIN = Rule(folds=5, validation=0.2)
PLAIN_STAYS = Rule("shuffled-k-fold", folds=5, validation=0.2, unit="sequence")
CURVE = PLAIN
SHARES = (1.0, 0.5, 0.25, 0.1)
BY_SOURCE = Rule("leave-one-source-out", validation=0.2)
BY_HOSPITAL = Rule("leave-one-source-out", fewest=9)
HOSPITALS = 22  # of the eICU demo have 9 patients or more in the cohort; the records of the others always train


@dataclass(frozen=True)
class Question:
    """A cohort under a protocol and a split: what arms that are compared share.

    Attributes:
        dataset: Narrowed to the cohort.
        item: The cohort.
        task: One of TASKS.
        protocol: "published" or "honest": the preprocessing.
        split: The folds.
        folds: How many.
        group: In words.
    """

    dataset: Any
    item: str
    task: str
    protocol: Protocol
    split: Rule
    folds: int
    group: str

    def arm(self, model: str, *, search: bool = False, settings: Any = None, more: str = "") -> Arm:
        """The arm of one model of LARGE, or the constant; `more` goes into its title."""
        chosen = ConstantPrediction() if model == "constant" else settings or LARGE[model]
        asked: Any = PredictValue if self.task in NUMBERS else PredictClass
        task = asked(split=self.split, prepare=self._recipe(model))
        metric = task.leading_metric
        return Arm(
            self.dataset,
            task,
            chosen,
            self.protocol,
            Search(GRIDS[model], metric) if search else None,
            title=f"{NAMES[model]}{more}, {self.group}",
            group=self.group,
        )

    def cells(self, arm: Arm, seeds: tuple[int, ...] = (0,), folds: int | None = None) -> list[Cell]:
        """One cell a fold."""
        own = seeds if arm.control or getattr(arm.model, "stochastic", False) else seeds[:1]
        return [Cell(arm, (self.item,), own, fold) for fold in range(folds or self.folds)]

    def _recipe(self, model: str) -> Recipe:
        if model == "constant":
            return NOTHING
        if self.protocol == "published":
            return PUBLISHED_SEQUENCES if model in SEQUENCES else PUBLISHED_RECORDS
        return OUR_SEQUENCES if model in SEQUENCES else OUR_RECORDS


def of_mimic(task: str, protocol: Protocol, *, nested: bool) -> Question:
    """A cohort that is built from the raw demo: by YAIB's rules and folds of stays, or by ours and folds of patients."""
    rules = "yaib" if protocol == "published" else "clean"
    by_patient, by_stay = (NESTED, NESTED_STAYS) if nested else (PLAIN, PLAIN_STAYS)
    split = by_stay if protocol == "published" else by_patient
    whose = "stays" if protocol == "published" else "patients"
    group = f"MIMIC-III demo, {IN_WORDS[task]}, {rules} rules, folds of {whose}"
    return Question(Mimic3Demo(rules, task), task, task, protocol, split, 25 if nested else 5, group)


def of_eicu(protocol: Protocol, task: str = "mortality24", *, nested: bool = True) -> Question:
    """A published cohort of the eICU demo."""
    by_patient, by_stay = (NESTED, NESTED_STAYS) if nested else (PLAIN, PLAIN_STAYS)
    item = f"{task}-eicu"
    whose = "stays" if protocol == "published" else "patients"
    group = f"eICU demo, {IN_WORDS[task]}, {'5x5 folds' if nested else 'folds'} of {whose}"
    split = by_stay if protocol == "published" else by_patient
    return Question(YaibDemo(only=item), item, task, protocol, split, 25 if nested else 5, group)


def between(task: str) -> Question:
    """Train on one database, test on the other, both ways."""
    item = f"{task}-pooled"
    group = f"train on one demo, test on the other, {IN_WORDS[task]}"
    return Question(YaibDemo(only=item), item, task, "honest", BY_SOURCE, 2, group)


def pooled(task: str) -> Question:
    """Both databases in train and in test; figures by database stand among the subgroups."""
    item = f"{task}-pooled"
    group = f"both demos pooled, {IN_WORDS[task]}, folds of patients"
    return Question(YaibDemo(only=item), item, task, "honest", PLAIN, 5, group)


def by_hospital() -> Question:
    """Each larger hospital of the eICU demo left out in turn."""
    group = f"eICU demo, {IN_WORDS['mortality24']}, one hospital left out"
    dataset = YaibDemo("hospital", "mortality24-eicu")
    return Question(dataset, "mortality24-eicu", "mortality24", "honest", BY_HOSPITAL, HOSPITALS, group)


def of_curve(share: float) -> Question:
    """A share of each fold's train patients, the same test parts."""
    group = f"eICU demo, {IN_WORDS['mortality24']}, learning curve"
    split = replace(CURVE, train_share=share)
    return Question(YaibDemo(only="mortality24-eicu"), "mortality24-eicu", "mortality24", "honest", split, 5, group)


def of_fine_tuning(task: str = "mortality24") -> Question:
    """The published MIMIC-III demo cohort, by patient: a network from scratch, and one that goes on from the eICU demo."""
    item = f"{task}-mimic3"
    group = f"MIMIC-III demo, {IN_WORDS[task]}, fine-tuned from eICU"
    return Question(YaibDemo(only=item), item, task, "honest", PLAIN, 5, group)


def fine_tuned(model: str, task: str = "mortality24") -> Arm:
    """A network that was pretrained on the eICU cohort, and goes on at a tenth of the learning rate on the fold's train part."""
    settings = LARGE[model]
    slower = replace(settings, learning_rate=settings.learning_rate / 10)
    arm = of_fine_tuning(task).arm(model, settings=slower, more=" pretrained on eICU")
    return replace(arm, pretraining=YaibDemo(only=f"{task}-eicu"), pretraining_items=(f"{task}-eicu",))


def of_own(task: str, database: str, protocol: Protocol) -> Question:
    """A user's own cohort of one of the four databases, 5x5 nested."""
    item = f"{task}-{database}"
    split = NESTED_STAYS if protocol == "published" else NESTED
    group = f"{database}, {IN_WORDS[task]}, 5x5 folds of {'stays' if protocol == 'published' else 'patients'}"
    return Question(YaibCohorts(only=item), item, task, protocol, split, 25, group)


def models_of(task: str, *, large: bool) -> tuple[str, ...]:
    """Those of YAIB that answer this kind of question."""
    linear = "en" if task in NUMBERS else "lr"
    return tuple(name for name in (LARGE if large else SMALL) if name not in {"lr", "en"} - {linear})


def experiment(preset: Preset) -> Experiment:
    """Cohorts from the raw demo first, then the eICU demo, then what takes both databases, then the user's own."""
    if preset.synthetic:
        raise UsageError("there is no simulated intensive care", where="yaib", do="Leave --synthetic out")
    if preset.size == "smoke":
        return Experiment("yaib", tuple(_smoke()))
    large = preset.size == "full"
    seeds = preset.seed_range(smoke=1, quick=1, full=2)
    made = _eicu(large, seeds, preset.choose(smoke=0, quick=20, full=100))
    made += [cell for task in TASKS for protocol in PROTOCOLS for cell in _mimic(task, protocol, large, seeds)]
    made += _two_databases(large, seeds)
    made += [cell for question in counted() for cell in question.cells(question.arm("constant"), folds=1)]
    if large:
        questions = (of_own(task, name, protocol) for task in TASKS for name in DATABASES for protocol in PROTOCOLS)
        made += [cell for question in questions for cell in _compared(question, large, seeds)]
    return Experiment("yaib", tuple(dict.fromkeys(made)))


def _compared(question: Question, large: bool, seeds: tuple[int, ...], leave_out: str = "") -> list[Cell]:
    """The constant, and every model; in full their settings are chosen inside train."""
    arms = [question.arm("constant")]
    named = (model for model in models_of(question.task, large=large) if model != leave_out)
    arms += [question.arm(model, search=large) for model in named]
    return [cell for arm in arms for cell in question.cells(arm, seeds)]


def _mimic(task: str, protocol: Protocol, large: bool, seeds: tuple[int, ...]) -> list[Cell]:
    question = of_mimic(task, protocol, nested=large)
    if task == "sepsis" and protocol == "published":  # refused: too few patients have it
        return question.cells(question.arm("constant"), folds=1)
    return _compared(question, large, seeds)


def _eicu(large: bool, seeds: tuple[int, ...], permutations: int) -> list[Cell]:
    made = []
    for protocol in PROTOCOLS:
        # Twenty-five networks take minutes: quick trains five, beside the learning curves. So do published features, made fold by fold.
        made += _compared(of_eicu(protocol, nested=large or protocol == "honest"), large, seeds, "" if large else "gru")
    whole = of_curve(1.0)
    for model in ("lr", "lgbm"):
        for share in SHARES:
            point = of_curve(share)
            told = f" on {100 * share:g} % of train"
            made += point.cells(point.arm(model, more=told))
        if large or model == "lr":
            control = replace(whole.arm(model, more=" on 100 % of train"), control=PERMUTED)
            made += whole.cells(control, tuple(range(permutations)))
    made += [cell for model in ("constant", "gru") for cell in whole.cells(whole.arm(model), seeds)]
    hospital = by_hospital()
    made += [cell for model in ("constant", "lr", "lgbm") for cell in hospital.cells(hospital.arm(model))]
    if large:
        made += [
            cell for task in ("aki", "kidney_function") for cell in _compared(of_eicu("honest", task), large, seeds)
        ]
    return made


def counted() -> list[Question]:
    """MIMIC-III's five cohorts, built here from the raw demo by YAIB's rules: their stays are counted, in one cell each.

    Not eICU's: they are read as published, so a count of them could not differ from the published one.
    """
    return [of_mimic(task, "published", nested=False) for task in TASKS]


def _two_databases(large: bool, seeds: tuple[int, ...]) -> list[Cell]:
    made = []
    for task in ("mortality24", "aki", "kidney_function") if large else ("mortality24",):
        for question in (between(task), pooled(task)):
            made += _compared(question, False, seeds)
        tuned = of_fine_tuning(task)
        for model in sorted(SEQUENCES) if large else ("gru",):
            made += [*tuned.cells(tuned.arm(model), seeds), *tuned.cells(fine_tuned(model, task), seeds)]
        made += tuned.cells(tuned.arm("constant"))
    return made


def _smoke() -> list[Cell]:
    question = of_mimic("mortality24", "honest", nested=False)
    made = [cell for model in ("constant", "lr") for cell in question.cells(question.arm(model), folds=1)]
    refused = of_mimic("sepsis", "published", nested=False)
    return made + refused.cells(refused.arm("constant"), folds=1)
