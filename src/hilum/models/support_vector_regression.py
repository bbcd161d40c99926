"""Support vector regression with a Gaussian kernel: one machine per channel and horizon, fitted once like linear regression.

Model       y_c(t + h) is forecast as b_hc + sum over i of a_hci exp(-|x_i - u(t)|^2 / kernel_scale^2),  u(t) = [y(t - k + 1); ...; y(t)]
Fit         per channel c and horizon h: minimise |f|^2 / 2 + box * sum of max(0, |y_c(t + h) - f(u(t))| - epsilon) over the pairs whose
            label lies in the first `fit_seconds`; f lives in the kernel's space
Symbols     y    (channels,)            newest sample in standard units of the fitting part
            x    (vectors, inputs)      windows of the fitting part that any machine rests on; inputs = k * channels
            a    (horizons, channels, vectors)   dual coefficients, |a| <= box;   b (horizons, channels)
Cost        O(pairs^2 * inputs) for the kernel of all pairs, once, and one quadratic program per channel and horizon;
            O(vectors * (inputs + horizons * channels)) per forecast
Source      Drucker et al., NIPS 9 (1996); settings as in Pohl et al., arXiv 2403.01607: kernel scale s is gamma = 1 / s^2, box is C
Deviations  Solved by scikit-learn (libsvm) on a kernel computed once for all machines; kept and restored as plain arrays. Before
            the fit it holds the last value. `labels` as in linear_regression.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._fitted_once import FittedOnce, FittingPart, Labels, refuse_labels, windows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SupportVectorRegression:
    """Settings.

    Attributes:
        history: Samples in a window.
        kernel_scale: Distance between windows, in standard units, at which the kernel has fallen to 1 / e.
        box: The most that one pair can weigh.
        epsilon: Errors up to which a pair costs nothing, in standard units.
        fit_seconds: Length of the fitting part, s.
        labels: Whose labels; see linear_regression.py.
        tolerance: By how much the conditions of the optimum may be violated where the solver stops.
    """

    history: int = 24
    kernel_scale: float = 500.0
    box: float = 200.0
    epsilon: float = 0.05
    fit_seconds: float = 54.0
    labels: Labels = "observed"
    tolerance: float = 1e-3
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_labels(self.labels, "SupportVectorRegression")
        if (
            self.history < 1
            or min(self.kernel_scale, self.box, self.fit_seconds, self.tolerance) <= 0
            or self.epsilon < 0
        ):
            raise UsageError(
                "history, kernel_scale, box, fit_seconds and tolerance must be positive, and epsilon 0 or more",
                where="SupportVectorRegression",
                do=f"They are {self}",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without vectors."""
        part = FittingPart.of(
            setting, history=self.history, fit_seconds=self.fit_seconds, refit_seconds=0.0, labels=self.labels
        )
        return FittedOnce(setting, part, Standardise.fit(warm_up), _Machines(self, setting))


class _Machines:
    def __init__(self, settings: SupportVectorRegression, setting: ForecastSetting) -> None:
        self._settings = settings
        horizons, channels = len(setting.horizons), setting.channels
        self._fitted = {
            "vectors": np.zeros((0, settings.history * channels)),
            "duals": np.zeros((horizons, channels, 0)),
            "intercepts": np.zeros((horizons, channels)),
            "mean": np.zeros(channels),
            "scale": np.ones(channels),
        }

    def fit(self, samples: Array, targets: Array) -> None:
        from sklearn.svm import SVR

        settings = self._settings
        with np.errstate(over="ignore", invalid="ignore"):
            own = Standardise.fit(samples)  # the fitting part is longer than what the warm-up gave
            inputs = windows(own.apply(samples), settings.history)
            labels = own.apply(targets[:, settings.history - 1 :])
            kernel = gaussian_kernel(inputs, inputs, settings.kernel_scale)
        if not np.isfinite(kernel).all():  # numbers too large for a kernel: the forecast is NaN
            self._fitted["intercepts"][:] = np.nan
            return
        duals = np.zeros((*targets.shape[::2], len(inputs)))
        intercepts = np.zeros(targets.shape[::2])
        for place, label in enumerate(labels):
            rows = np.flatnonzero(np.isfinite(label).all(axis=1))
            for channel in range(label.shape[1]) if len(rows) else ():
                machine = SVR(kernel="precomputed", C=settings.box, epsilon=settings.epsilon, tol=settings.tolerance)
                machine.fit(kernel[np.ix_(rows, rows)], label[rows, channel])
                duals[place, channel, rows[machine.support_]] = machine.dual_coef_[0]
                intercepts[place, channel] = machine.intercept_[0]
        used = (duals != 0).any(axis=(0, 1))
        self._fitted = {
            "vectors": inputs[used],
            "duals": np.ascontiguousarray(
                duals[:, :, used]
            ),  # products run in memory order, before and after a restart
            "intercepts": intercepts,
            "mean": own.mean,
            "scale": own.scale,
        }

    def predict(self, window: Array) -> Array:
        fitted = self._fitted
        own = Standardise(fitted["mean"], fitted["scale"])
        point = own.apply(window.reshape(-1, len(own.mean))).reshape(1, -1)
        weights = gaussian_kernel(fitted["vectors"], point, self._settings.kernel_scale)[:, 0]
        return own.invert(fitted["duals"] @ weights + fitted["intercepts"])

    def state(self) -> dict[str, Array]:
        return {name: array.copy() for name, array in self._fitted.items()}

    def restore(self, state: dict[str, Array]) -> None:
        self._fitted = {name: state[name].copy() for name in self._fitted}


def gaussian_kernel(these: Array, those: Array, scale: float) -> Array:
    """exp(-|x - y|^2 / scale^2) for x of `these` (n, inputs) and y of `those` (m, inputs): (n, m)."""
    squares = (these * these).sum(axis=1)[:, None] + (those * those).sum(axis=1) - 2.0 * these @ those.T
    kernel: Array = np.exp(-np.maximum(squares, 0.0) / scale**2)
    return kernel
