// The graphics kernel compiled for the processor, one lane at a time, with every read checked against its arrays.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

using std::max;
using std::min;

struct float4 { float x, y, z, w; };
struct float2 { float x, y; };
struct Index { int x, y; };

static inline float4 make_float4(float a, float b, float c, float d) { return {a, b, c, d}; }
static inline float2 make_float2(float a, float b) { return {a, b}; }
static inline unsigned __reduce_or_sync(unsigned, unsigned value) { return value; }
static inline int __reduce_max_sync(unsigned, int value) { return value; }
static inline bool __any_sync(unsigned, bool value) { return value; }
static inline int __float2int_rn(float value) { return (int)lrintf(value); }
static inline int __float_as_int(float value) { int bits; memcpy(&bits, &value, 4); return bits; }
static inline float __int_as_float(int bits) { float value; memcpy(&value, &bits, 4); return value; }

#define OPAQUE(p)
#define __ffs(x) __builtin_ffs(x)
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

static thread_local Index blockIdx, threadIdx, blockDim{1, 1};
static const char *heights_from = 0, *heights_to = 0, *table_from = 0, *table_to = 0;
static long strays = 0;

template <class T> static inline T __ldg(const T *place) {
  const char *at = (const char *)place;
  bool inside = (at >= heights_from && at < heights_to) || (at >= table_from && at < table_to);
  if (heights_from && !inside) {
    ++strays;
    T nothing;
    memset(&nothing, 0, sizeof nothing);
    return nothing;
  }
  return *place;
}

#include "horizon.cu"

template <class Call> static void each(int width, int height, int threads, Call call) {
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int thread = 0; thread < threads; ++thread) {
        blockIdx = {x, y};
        threadIdx = {thread, 0};
        call();
      }
}

// Horizons of a window of a grid; the number of reads outside the arrays is returned.
extern "C" long emulate(const float *z, const int *shape, const int *window, const double *azimuths, int count,
                        const double *near, int nears, double pixel, double radius, double observer, double nearest,
                        double farthest, double reference, float *out) {
  int rows = shape[0], cols = shape[1];
  Plane top = plane_of(3, rows, cols);
  std::vector<float> relief(top.start + (size_t)top.pitch * top.height);
  float *base = relief.data();
  heights_from = 0;
  for (int level = 0; level < 4; ++level) {
    Plane p = plane_of(level, rows, cols);
    each(p.pitch, p.height, 1, [&] {
      if (level) gather(base, level, rows, cols);
      else prepare(z, base, rows, cols, radius, reference);
    });
  }
  int records = (std::max(rows, cols) + 63) / 64 + 1, wides = (records + PARTS - 1) / PARTS;
  int stride = 2 * nears + wides + records * (RECORD + 1);
  std::vector<float4> table((size_t)stride * count + 2 * count);
  float4 *look = table.data() + (size_t)stride * count;
  each(std::max(records * 64, nears), count, 1, [&] {
    tabulate(azimuths, near, table.data(), look, records, nears, rows, cols, pixel, radius, nearest, farthest);
  });
  heights_from = (char *)base, heights_to = heights_from + relief.size() * 4;
  table_from = (char *)table.data(), table_to = table_from + table.size() * 16;
  strays = 0;
  int wide = LANES_X * CELLS * SUPER, high = LANES_Y * SUPER;
  int supers = ((window[3] - window[2] + wide - 1) / wide) * ((window[1] - window[0] + high - 1) / high);
  each(supers * SUPER * SUPER, 1, 32, [&] {
    march(base, table.data(), look, rows, cols, window[0], window[1], window[2], window[3], records, nears, count,
          count, radius, reference, observer, out, nullptr);
  });
  heights_from = 0;
  return strays;
}
