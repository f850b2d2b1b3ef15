"""Plain marches that the horizon kernels are compared with, and made-up terrain."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

RADIUS_M = 1737400.0


@njit(nogil=True)
def fine_march(z, pixel, radius, observer, share, rows, cols, azimuths, longest):
    """Horizon of chosen cells by steps of a share of a cell, bilinear; and the distance in cells that makes it."""
    n, m = z.shape
    angle, where = np.empty(rows.size), np.zeros(rows.size)
    for k in range(rows.size):
        dx, dy = math.sin(azimuths[k]), -math.cos(azimuths[k])
        dx, dy = (0.0 if abs(dx) < 1e-12 else dx), (0.0 if abs(dy) < 1e-12 else dy)
        eye, best, step = radius + z[rows[k], cols[k]] + observer, -1e300, 0
        while True:
            step += 1
            u = step * share
            x, y = cols[k] + dx * u, rows[k] + dy * u
            if x < 0.0 or y < 0.0 or x > m - 1 or y > n - 1 or u * pixel > longest:
                break
            i, j = max(min(int(y), n - 2), 0), max(min(int(x), m - 2), 0)
            i1, j1, fy, fx = min(i + 1, n - 1), min(j + 1, m - 1), y - i, x - j
            v = 0.0
            for weight, height in (
                ((1 - fy) * (1 - fx), z[i, j]),
                ((1 - fy) * fx, z[i, j1]),
                (fy * (1 - fx), z[i1, j]),
                (fy * fx, z[i1, j1]),
            ):
                if weight > 0.0:
                    v += weight * height
            theta = u * pixel / radius
            half = math.sin(0.5 * theta)
            tangent = ((radius + v) * (1.0 - 2.0 * half * half) - eye) / ((radius + v) * math.sin(theta))
            if tangent > best:
                best, where[k] = tangent, u
        angle[k] = math.atan(best)
    return angle, where


@njit(nogil=True)
def scalar_march(z, pixel, azimuths, radius, observer, out):
    """Horizon of all cells by steps of one cell, bilinear; tangents are tracked, one arctangent a cell."""
    n, m = z.shape
    for a in range(azimuths.size):
        dx, dy = math.sin(azimuths[a]), -math.cos(azimuths[a])
        for r in range(n):
            for c in range(m):
                eye, best = radius + z[r, c] + observer, -1e30
                x, y, s = c + dx, r + dy, pixel
                while x >= 0.0 and y >= 0.0 and x <= m - 1 and y <= n - 1:
                    i, j = min(int(y), n - 2), min(int(x), m - 2)
                    fy, fx = y - i, x - j
                    upper = z[i, j] * (1.0 - fx) + z[i, j + 1] * fx
                    lower = z[i + 1, j] * (1.0 - fx) + z[i + 1, j + 1] * fx
                    v = radius + upper * (1.0 - fy) + lower * fy
                    theta = s / radius
                    square = theta * theta
                    tangent = (v * (1.0 - 0.5 * square * (1.0 - square / 12.0)) - eye) / (
                        v * theta * (1.0 - square / 6.0)
                    )
                    best = max(best, tangent)
                    x, y, s = x + dx, y + dy, s + pixel
                out[a, r, c] = math.atan(best)


def terrain(size, pixel_m=20.0, seed=7, relief_m=500.0, craters=250):
    """Rough ground with craters, always the same for a seed."""
    random = np.random.default_rng(seed)
    wave = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    wave[0, 0] = 1.0
    power = wave**-2.2
    power[0, 0] = 0.0
    phase = random.normal(size=wave.shape) + 1j * random.normal(size=wave.shape)
    z = np.fft.irfft2(power * phase, s=(size, size))
    z *= relief_m / z.std()
    y, x = np.mgrid[:size, :size].astype(float)
    for _ in range(craters):
        radius = min(4.0 * (1.0 - random.random()) ** (-1.0 / 1.8), size / 6.0)
        cx, cy = random.random(2) * size
        d = np.hypot(x - cx, y - cy) / radius
        depth = 0.16 * radius * pixel_m
        bowl, apron = depth * (d**2 - 1.0) + 0.2 * depth, 0.2 * depth * np.maximum(d, 1.0) ** -3
        z += np.where(d < 1.0, bowl, np.where(d < 3.0, apron, 0.0))
    return (z - z.mean()).astype(np.float32)
