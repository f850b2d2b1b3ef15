"""Time and accuracy of horizon maps on a graphics card: `python gpu_maps.py [heights.npy pixel_m [unit_m]]`."""

from __future__ import annotations

import sys
import time

import cupy
import numpy as np

from moonpost.terrain import gpu

QUARTER = r"""
extern "C" __global__ void quarter(const float* z, int rows, int cols,
                                   double pixel, double radius, double observer,
                                   const double* azimuth, int azimuths, const int* place, int places, float* out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= azimuths * places) return;
  int r = place[2 * (i % places)], c = place[2 * (i % places) + 1];
  double dx = sin(azimuth[i / places]), dy = -cos(azimuth[i / places]);
  if (fabs(dx) < 1e-12) dx = 0;
  if (fabs(dy) < 1e-12) dy = 0;
  double h0 = z[(size_t)r * cols + c] + observer, best = -1e30;
  for (int k = 1;; ++k) {
    double u = 0.25 * k, x = c + dx * u, y = r + dy * u;
    if (x < 0 || y < 0 || x > cols - 1 || y > rows - 1) break;
    int I = min((int)y, rows - 2), J = min((int)x, cols - 2);
    double fy = y - I, fx = x - J;
    const float* q = z + (size_t)I * cols + J;
    double v = (q[0] * (1 - fx) + q[1] * fx) * (1 - fy) + (q[cols] * (1 - fx) + q[cols + 1] * fx) * fy;
    double a = u * pixel / radius, s = sin(0.5 * a), top = radius + v;
    double t = (v - h0 - 2 * top * s * s) / (top * sin(a));
    if (t > best) best = t;
  }
  out[i] = best > -1e29 ? atan(best) : -1.57079632679;
}"""


def fractal(size, seed=7):
    """Fractal terrain with craters, 20 m cells, on the card."""
    rng = np.random.default_rng(seed)
    k = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    k[0, 0] = 1.0
    spectrum = k**-2.2 * (rng.normal(size=k.shape) + 1j * rng.normal(size=k.shape))
    spectrum[0, 0] = 0.0
    z = cupy.fft.irfft2(cupy.asarray(spectrum), s=(size, size))
    z *= size / 2.0 / z.std()
    for _ in range(size // 4):
        radius = min(4.0 * (1.0 - rng.random()) ** (-1 / 1.8), size / 6)
        row, col = rng.random(2) * size
        box = [slice(max(0, int(m - 3 * radius)), min(size, int(m + 3 * radius) + 1)) for m in (row, col)]
        y, x = (cupy.arange(s.start, s.stop, dtype=cupy.float64) for s in box)
        d = cupy.hypot((y - row)[:, None], (x - col)[None]) / radius
        depth = 3.2 * radius
        bowl = depth * (d**2 - 1.0) + 0.2 * depth
        z[tuple(box)] += cupy.where(d < 1, bowl, cupy.where(d < 3, 0.2 * depth * cupy.maximum(d, 1.0) ** -3, 0.0))
    return z.astype(cupy.float32)


def timed(call, repeats=5):
    """Median time of a call [ms] by events on the card, after one warm-up."""
    call()
    times = []
    for _ in range(repeats):
        start, stop = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        call()
        stop.record()
        stop.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, stop))
    return sorted(times)[repeats // 2]


def accuracy(z, pixel_m, azimuths, ours, observer_m, count=4000):
    """Median, 95th, 99th percentile, rms and mean of the error [deg] against a quarter-cell march."""
    places = np.stack([np.random.default_rng(0).integers(0, n, count) for n in z.shape], axis=1).astype(np.int32)
    where, out = cupy.asarray(places), cupy.empty((azimuths.size, count), dtype=cupy.float32)
    scale = map(np.float64, (pixel_m, 1737400.0, observer_m))
    cupy.RawKernel(QUARTER, "quarter")(
        (-(-out.size // 128),),
        (128,),
        (
            z,
            *map(np.int32, z.shape),
            *scale,
            cupy.asarray(azimuths),
            np.int32(azimuths.size),
            where,
            np.int32(count),
            out,
        ),
    )
    error = cupy.degrees(ours[:, where[:, 0], where[:, 1]].astype(cupy.float64) - out)[out > -1.5].get()
    size = np.abs(error)
    return (np.median(size), *np.percentile(size, [95, 99]), np.sqrt((error**2).mean()), error.mean())


def report(name, z, pixel_m, count, observer_m=2.0):
    """Print one line of the table."""
    azimuths = np.arange(count) * 2 * np.pi / 720
    relief = gpu.Relief(z, pixel_m)
    ours = relief.horizon(azimuths, observer_m=observer_m)
    error = accuracy(z, pixel_m, azimuths, ours, observer_m)
    del ours
    march = timed(lambda: relief.horizon(azimuths, observer_m=observer_m))
    whole = timed(lambda: gpu.Relief(z, pixel_m).horizon(azimuths, observer_m=observer_m))
    short = timed(lambda: relief.horizon(azimuths, observer_m=observer_m, centidegrees=True))
    rate = z.size * count / 1e6
    figures = " ".join(f"{e:.4f}" for e in error)
    print(
        f"{name} {z.shape[0]}x{z.shape[1]}x{count} mast {observer_m:g} m: "
        f"{march:.1f} ms ({rate / march:.2f} G/s), "
        f"with pyramid {whole:.1f} ms ({rate / whole:.2f} G/s), int16 {short:.1f} ms; "
        f"error [deg] median p95 p99 rms mean: {figures}",
        flush=True,
    )


def main():
    card = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    print(f"{card}, CuPy {cupy.__version__}, {time.strftime('%Y-%m-%d')}")
    for observer_m in (0.0, 2.0, 10.0):
        report("fractal", fractal(1000), 20.0, 720, observer_m)
    report("fractal", fractal(2000), 20.0, 180)
    report("fractal", fractal(4000), 20.0, 72)
    if len(sys.argv) > 2:
        unit_m = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
        z, pixel_m = cupy.asarray(np.load(sys.argv[1]).astype(np.float32) * np.float32(unit_m)), float(sys.argv[2])
        report("given", cupy.ascontiguousarray(z[500:1500, 500:1500]), pixel_m, 720)
        report("given", z, pixel_m, 180)
        more = [(0, max(0, 4000 - size)) for size in z.shape]
        report(
            "given, mirrored", cupy.ascontiguousarray(cupy.pad(z, more, mode="reflect")[:4000, :4000]), pixel_m, 72
        )
    z = fractal(1000).get()
    start = time.perf_counter()
    gpu.horizon_centidegrees(z, 20.0, np.arange(720) * np.pi / 360)
    print(f"host to host, int16, 1000x1000x720: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
