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

template <class Call> static void each(int width, int height, Call call) {
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      blockIdx = {x, y};
      threadIdx = {0, 0};
      call();
    }
}

// Horizons of a grid; the number of reads outside the arrays is returned.
extern "C" long emulate(const float *z, int rows, int cols, const double *azimuths, int count, const double *near,
                        int nears, double pixel, double radius, double observer, double farthest, double reference,
                        float *out) {
  int pad = 128, pitch = cols + 2 * pad, height = rows + 2 * pad;
  size_t plane = (size_t)pitch * height;
  std::vector<float> relief(plane * 6), one(plane), two(plane);
  float *base = relief.data(), *source = one.data(), *target = two.data();
  each(pitch, height, [&] { prepare(z, source, rows, cols, pitch, height, pad, radius, reference); });
  each(pitch, height, [&] { pair(source, (float2 *)base, (float2 *)(base + 2 * plane), pitch, height); });
  for (int level = 0; level < 7; ++level) {
    int step = level ? 1 << (level - 1) : 1;
    float *to = level == 3 ? base + 4 * plane : level == 6 ? base + 5 * plane : target;
    each(pitch, height, [&] { raise_level(source, to, pitch, height, step); });
    if (to == target) std::swap(source, target);
    else { source = to; target = two.data(); }
  }
  int records = (std::max(rows, cols) + 63) / 64 + 1, stride = 2 * nears + records * RECORD;
  std::vector<float4> table((size_t)stride * count + count);
  float4 *look = table.data() + (size_t)stride * count;
  each(std::max(records * 64, nears), count, [&] {
    tabulate(azimuths, near, table.data(), look, records, nears, pitch, (int)plane, pixel, radius, farthest);
  });
  heights_from = (char *)base, heights_to = heights_from + relief.size() * 4;
  table_from = (char *)table.data(), table_to = table_from + table.size() * 16;
  strays = 0;
  int supers = (((cols + CELLS - 1) / CELLS + SUPER - 1) / SUPER) * ((rows + SUPER - 1) / SUPER);
  each(supers * SUPER * SUPER, 1, [&] {
    march(base, table.data(), look, rows, cols, pitch, (int)plane, pad, records, nears, count, count, radius,
          reference, observer, out, nullptr);
  });
  heights_from = 0;
  return strays;
}
