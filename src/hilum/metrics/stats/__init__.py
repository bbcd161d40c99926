"""Statistics: the only home of intervals, tests and ranks.

    intervals           over units, and of ours - claimed
    bootstrap           of a pooled figure: cluster bootstrap, jackknife
    hypothesis_tests    p-values and their adjustment
    paired              two methods on the same subjects
    delong              the AUROC's variance in closed form
    ranks               which method is best, and how sure that is
    conformal           which classes, or range of numbers, hold the truth for a stated share of new subjects

Meaning         An interval over units holds the fitted model and these folds fixed; it does not cover retraining, other
                hospitals or selection among models.
Undefined       Too little, or values that are not finite: `nan` and the reason, never an exception.
Order           No result depends on the order of rows or units; whatever is drawn is drawn from a fixed seed.
"""

from hilum.metrics.stats.bootstrap import cluster_bootstrap, jackknife_interval, pooled_interval
from hilum.metrics.stats.delong import auroc_covariance, auroc_difference, auroc_interval
from hilum.metrics.stats.hypothesis_tests import (
    MOST_ENUMERATED,
    PValue,
    benjamini_yekutieli,
    holm,
    sign_flip,
    wilcoxon_signed_rank,
)
from hilum.metrics.stats.intervals import (
    FEWEST_FOR_BOOTSTRAP,
    FEWEST_FOR_INTERVAL,
    MEANING,
    Interval,
    Scale,
    difference_interval,
    seed_interval,
    studentised_bootstrap,
    subject_interval,
    t_interval,
    wilson_interval,
)
from hilum.metrics.stats.paired import (
    PairedDifference,
    nadeau_bengio,
    paired_difference,
    paired_pooled_difference,
    pooled_difference_interval,
)
from hilum.metrics.stats.ranks import (
    Association,
    Ranks,
    critical_difference,
    friedman,
    kendall_tau,
    mean_ranks,
    ranks_over_units,
    ranks_pooled,
)

__all__ = [
    "FEWEST_FOR_BOOTSTRAP",
    "FEWEST_FOR_INTERVAL",
    "MEANING",
    "MOST_ENUMERATED",
    "Association",
    "Interval",
    "PValue",
    "PairedDifference",
    "Ranks",
    "Scale",
    "auroc_covariance",
    "auroc_difference",
    "auroc_interval",
    "benjamini_yekutieli",
    "cluster_bootstrap",
    "critical_difference",
    "difference_interval",
    "friedman",
    "holm",
    "jackknife_interval",
    "kendall_tau",
    "mean_ranks",
    "nadeau_bengio",
    "paired_difference",
    "paired_pooled_difference",
    "pooled_difference_interval",
    "pooled_interval",
    "ranks_over_units",
    "ranks_pooled",
    "seed_interval",
    "sign_flip",
    "studentised_bootstrap",
    "subject_interval",
    "t_interval",
    "wilcoxon_signed_rank",
    "wilson_interval",
]
