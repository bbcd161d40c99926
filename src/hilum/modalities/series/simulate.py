"""Simulated breathing: markers on chest and abdomen with known physics and known truth. Synthetic, and labelled so.

Waveform    b(t) = sin^4(phi(t) / 2): a breath lingers near exhale (Lujan, n = 2)
Phase       dphi/dt = 2 pi f(t);  f(t) = f0 exp(x(t)), x an Ornstein-Uhlenbeck process (time constant 20 s, spread 0.08)
Amplitude   a(t) = a0 exp(y(t)), y likewise (15 s, spread 0.15)
Pauses      the phase stands still for 2 to 6 s, at exhale, on average once a minute
Coughs      a damped 3 Hz oscillation of 0.3 a0, on average once in 90 s
Shifts      the baseline moves smoothly by up to 0.2 a0 within 2 s, on average once a minute
Markers     each follows with its own gain along x, y, z and its own lag of up to 0.3 s; noise of 0.05 mm, rounded to 0.1 mm
Source      waveform: Lujan et al., Med. Phys. 26 (1999), from memory; the rest is ours, sized after the look of the nine
            `extmarkers` recordings (period 3 to 6 s, 6 to 40 mm along z)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CHANNELS = tuple(f"{axis}{marker}" for axis in "xyz" for marker in (1, 2, 3))


@dataclass(frozen=True)
class Breathing:
    """What was simulated, and the truth behind it.

    Attributes:
        values: (samples, 9) in mm, relative to the first sample.
        phase: (samples,) rad.
        amplitude: (samples,) mm.
        events: Kind and time, s, of every pause, cough and shift.
    """

    values: Array
    phase: Array
    amplitude: Array
    events: tuple[tuple[str, float], ...]


def simulate_breathing(*, seconds: float, rate_hz: float, seed: int | tuple[int, ...]) -> Breathing:
    """Simulate one recording; the same seed gives the same bits."""
    draw = np.random.default_rng(seed)
    samples = round(seconds * rate_hz)
    step = 1.0 / rate_hz
    base, frequency = draw.uniform(8.0, 30.0), 1.0 / draw.uniform(3.0, 6.0)
    amplitude = base * np.exp(_drift(draw, samples, step, 15.0, 0.15))
    speed = 2 * np.pi * frequency * np.exp(_drift(draw, samples, step, 20.0, 0.08))
    events: list[tuple[str, float]] = []
    phase = _phase(draw, speed, step, events)
    lags = draw.uniform(0.0, 0.3, 3)
    offset = _coughs(draw, samples, step, base, events) + _shifts(draw, samples, step, base, events)
    gains = draw.uniform((-0.1, 0.1, 0.5), (0.1, 0.4, 1.0), (3, 3))  # (marker, axis): z moves most
    values = np.empty((samples, 9))
    times = np.arange(samples) * step
    for marker in range(3):
        late = np.interp(times - lags[marker], times, phase)
        breath = amplitude * np.sin(late / 2) ** 4 + offset
        for axis in range(3):
            values[:, 3 * axis + marker] = gains[marker, axis] * breath
    values += draw.normal(0.0, 0.05, values.shape)
    values = np.round(values - values[0], 1)
    return Breathing(values, phase, amplitude, tuple(sorted(events, key=lambda event: event[1])))


def _drift(draw: np.random.Generator, samples: int, step: float, time_constant: float, spread: float) -> Array:
    keep = np.exp(-step / time_constant)
    noise = draw.normal(0.0, spread * np.sqrt(1 - keep**2), samples)
    path = np.empty(samples)
    level = 0.0
    for index in range(samples):
        level = keep * level + noise[index]
        path[index] = level
    return path


def _phase(draw: np.random.Generator, speed: Array, step: float, events: list[tuple[str, float]]) -> Array:
    phase = np.empty(len(speed))
    now, still = draw.uniform(0, 2 * np.pi), 0.0
    for index, rate in enumerate(speed):
        before = now
        now = now if still > 0 else now + rate * step
        still = max(0.0, still - step)
        # A pause begins at exhale, where the phase passes a multiple of 2 pi.
        if int(now // (2 * np.pi)) != int(before // (2 * np.pi)) and draw.random() < 0.08:
            still = draw.uniform(2.0, 6.0)
            events.append(("pause", index * step))
        phase[index] = now
    return phase


def _coughs(
    draw: np.random.Generator, samples: int, step: float, base: float, events: list[tuple[str, float]]
) -> Array:
    times = np.arange(samples) * step
    total = np.zeros(samples)
    for start in _moments(draw, samples * step, 90.0):
        since = times - start
        total += np.where(since >= 0, 0.3 * base * np.exp(-since / 0.5) * np.sin(2 * np.pi * 3.0 * since), 0.0)
        events.append(("cough", start))
    return total


def _shifts(
    draw: np.random.Generator, samples: int, step: float, base: float, events: list[tuple[str, float]]
) -> Array:
    times = np.arange(samples) * step
    total = np.zeros(samples)
    for start in _moments(draw, samples * step, 60.0):
        rise = np.clip((times - start) / 2.0, 0.0, 1.0)
        total += draw.uniform(-0.2, 0.2) * base * rise**2 * (3 - 2 * rise)
        events.append(("shift", start))
    return total


def _moments(draw: np.random.Generator, seconds: float, every: float) -> list[float]:
    return sorted(float(t) for t in draw.uniform(0, seconds, draw.poisson(seconds / every)))
