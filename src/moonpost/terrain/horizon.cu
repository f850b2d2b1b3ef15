// Horizon maps of a plane grid on a sphere, one warp for a small tile of cells, all lanes looking the same way.
//
// Heights are kept as w = z / (1 + z / R) - reference. With them the tangent of the elevation of a point at the
// central angle a is exactly F (w - w0) / (R sin a) - tan(a / 2), where F = 1 + h0 / R belongs to the observer.
// So one fused multiply-add ranks all points of a ray, and everything else about a sample is the same for all lanes
// of a warp: it is read from a table that belongs to the azimuth.
//
// A ray is sampled (1) bilinearly at a list of short distances, (2) at the crossings 4 to 15 of grid lines of the
// main axis, (3) beyond, in groups of 8 crossings, and only in those groups whose highest cell could still raise the
// horizon of any lane: 8 groups at a time, after the highest cell of all 64 crossings where they are 128 or farther.
// The first lower bound is the sample that made the horizon at the azimuth before.
//
// Planes of the pyramid, all of the same shape, (pitch, height) with a rim of `pad` cells without height:
//   0  pairs (w, next row minus w)      1  pairs (w, next column minus w)       as float2
//   4  highest of 9 x 9 cells from here 5  highest of 65 x 65 cells from here   as float
//
// What limits it on an H100 is the way from the L1 cache to the registers: an entry of the table costs each warp four
// cycles there and a pair of heights two. So each lane stands for CELLS observers, which share the entries, and the
// table of an azimuth lies in shared memory where it fits (SHARED).
//
// Compile-time: LANES_X x LANES_Y = 32 lanes of a warp; CELLS; WARPS_X x WARPS_Y warps of a block, BLOCKS of them at
// a time; AHEAD blocks of 64 crossings tested at once; SHARED 0 or 1.

#define FLOOR_TAN -1.0e6f
#define VOID_HEIGHT -1.0e20f
#define FULL 0xffffffffu
#define RECORD 73  // of 64 crossings: their samples, 8 groups of 8, the 64 together
#define SUPER 16  // blocks a side that run one after the other, so that their rays share the cache

#if SHARED
#define ENTRY(p) (*(p))
#define OPAQUE(p)
#else
#define ENTRY(p) __ldg(p)
#endif
#ifndef OPAQUE
#define OPAQUE(p) asm("" : "+l"(p))  // keeps an address out of the uniform registers, from which loads cannot start
#endif

extern "C" __global__ void prepare(
    const float* __restrict__ z, float* __restrict__ w, int rows, int cols, int pitch, int height, int pad,
    double radius, double reference)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int j = blockIdx.y;
    if (i >= pitch || j >= height) return;
    const int r = j - pad, c = i - pad;
    float value = VOID_HEIGHT;
    if (r >= 0 && c >= 0 && r < rows && c < cols) {
        const float h = z[(size_t)r * cols + c];
        if (h == h) value = (float)(h / (1.0 + h / radius) - reference);
    }
    w[(size_t)j * pitch + i] = value;
}

extern "C" __global__ void pair(
    const float* __restrict__ w, float2* __restrict__ by_row, float2* __restrict__ by_col, int pitch, int height)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int j = blockIdx.y;
    if (i >= pitch || j >= height) return;
    const size_t at = (size_t)j * pitch + i;
    const float here = w[at];
    by_row[at] = make_float2(here, (j + 1 < height ? w[at + pitch] : VOID_HEIGHT) - here);
    by_col[at] = make_float2(here, (i + 1 < pitch ? w[at + 1] : VOID_HEIGHT) - here);
}

// Highest of the window of 2 step + 1 cells a side whose first cell is here, from windows of step + 1 cells.
extern "C" __global__ void raise_level(
    const float* __restrict__ below, float* __restrict__ here, int pitch, int height, int step)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int j = blockIdx.y;
    if (i >= pitch || j >= height) return;
    const int i2 = min(i + step, pitch - 1), j2 = min(j + step, height - 1);
    const float top = fmaxf(below[(size_t)j * pitch + i], below[(size_t)j * pitch + i2]);
    const float low = fmaxf(below[(size_t)j2 * pitch + i], below[(size_t)j2 * pitch + i2]);
    here[(size_t)j * pitch + i] = fmaxf(top, low);
}

__device__ __forceinline__ float fraction(double position, int* cell)
{
    double whole = floor(position);
    float f = (float)(position - whole);
    if (f > 1.0f - 1e-6f) { f = 0.0f; whole += 1.0; }
    if (f < 1e-6f) f = 0.0f;
    *cell = (int)whole;
    return f;
}

// Table of one azimuth a block row: near samples in pairs, then records of 64 crossings.
extern "C" __global__ void tabulate(
    const double* __restrict__ azimuth, const double* __restrict__ near_at, float4* __restrict__ table,
    float4* __restrict__ look, int records, int near_count, int pitch, int plane,
    double pixel, double radius, double furthest)
{
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    const int a = blockIdx.y;
    double dx = sin(azimuth[a]), dy = -cos(azimuth[a]);
    if (fabs(dx) < 1e-12) dx = 0.0;
    if (fabs(dy) < 1e-12) dy = 0.0;
    const bool along_row = fabs(dx) >= fabs(dy);
    const double axis = along_row ? fabs(dx) : fabs(dy);
    const int sign = (along_row ? dx : dy) > 0.0 ? 1 : -1;
    double slope = (along_row ? dy : dx) / axis;
    if (fabs(fabs(slope) - 1.0) < 1e-12) slope = slope > 0.0 ? 1.0 : -1.0;
    const int ahead = along_row ? 1 : pitch, side = along_row ? pitch : 1;
    const double unit = pixel / axis / radius;  // central angle between crossings
    if (k == 0)
        look[a] = make_float4(along_row ? 1.0f : 0.0f, (float)sign, (float)slope,
                              (float)(1.0 / fmax(fabs(slope), 1e-9)));
    float4* row = table + (size_t)a * (2 * near_count + records * RECORD);
    if (k < near_count) {
        const double u = near_at[k], angle = u * pixel / radius;
        int cx, cy;
        const float fx = fraction(dx * u, &cx), fy = fraction(dy * u, &cy);
        const bool seen = angle * radius <= furthest;
        row[2 * k] = make_float4(__int_as_float(cy * pitch + cx), fx, fy,
                                 seen ? (float)(1.0 / (radius * sin(angle))) : 0.0f);
        row[2 * k + 1] = make_float4(seen ? (float)tan(0.5 * angle) : 1e30f, 0.0f, 0.0f, 0.0f);
    }
    row += 2 * near_count;
    if (k < records * 64) {
        int cell;
        const float f = fraction(slope * k, &cell);
        const double angle = k * unit;
        const bool seen = k > 0 && angle * radius <= furthest;
        row[k / 64 * RECORD + k % 64] = make_float4(
            __int_as_float((along_row ? 0 : plane) + sign * k * ahead + cell * side), f,
            seen ? (float)(1.0 / (radius * sin(angle))) : 0.0f, seen ? (float)tan(0.5 * angle) : 1e30f);
    }
    for (int level = 3; level <= 6; level += 3) {
        if (k >= records << (6 - level)) break;
        const int q0 = k << level, q1 = q0 + (1 << level) - 1;
        int cell;
        fraction(fmin(slope * q0, slope * q1), &cell);
        const double near_angle = fmax((double)q0, 0.5) * unit, far_angle = q1 * unit;
        const int place = level == 3 ? k / 8 * RECORD + 64 + k % 8 : k * RECORD + 72;
        row[place] = make_float4(
            __int_as_float((level == 3 ? 4 : 5) * plane + (sign > 0 ? q0 : -q1) * ahead + cell * side),
            (float)(1.0 / (radius * sin(near_angle))), (float)(1.0 / (radius * sin(far_angle))),
            near_angle * radius <= furthest ? (float)tan(0.5 * near_angle) : 1e30f);
    }
}

struct Rays {              // of the CELLS observers of a lane, LANES_X columns apart
    const float* w;        // first plane
    const float4* table;   // records of this azimuth
    unsigned at;           // the first observer's cell
    float own[CELLS];      // w of the observer
    float best[CELLS];     // highest tangent so far, before F
    int where[CELLS];      // its crossing; 0 when it is one of the near samples
};

__device__ __forceinline__ float tangent(float2 v, float4 e, float own)
{
    return fmaf(fmaf(v.y, e.y, v.x) - own, e.z, -e.w);
}

// Raise the horizons by N crossings, the first of which is number q and has its entry at `e`.
template <int N>
__device__ __forceinline__ void take_crossings(Rays& ray, const float4* e, int q)
{
    float t[CELLS][N];
    OPAQUE(e);
#pragma unroll
    for (int k = 0; k < N; ++k) {
        const float4 entry = ENTRY(e + k);
        const float2* p = (const float2*)ray.w + (ray.at + (unsigned)__float_as_int(entry.x));
#pragma unroll
        for (int i = 0; i < CELLS; ++i) t[i][k] = tangent(__ldg(p + i * LANES_X), entry, ray.own[i]);
    }
#pragma unroll
    for (int i = 0; i < CELLS; ++i) {
        float high = t[i][0];
#pragma unroll
        for (int k = 1; k < N; ++k) high = fmaxf(high, t[i][k]);
        if (high > ray.best[i]) {
            ray.best[i] = high;
#pragma unroll
            for (int k = 0; k < N; ++k)
                if (t[i][k] == high) ray.where[i] = q + k;
        }
    }
}

// Whether the crossings behind an entry could raise a horizon of this lane.
__device__ __forceinline__ bool may_rise(const Rays& ray, float4 e)
{
    const float* p = ray.w + (ray.at + (unsigned)__float_as_int(e.x));
    bool rise = false;
#pragma unroll
    for (int i = 0; i < CELLS; ++i) {
        const float d = __ldg(p + i * LANES_X) - ray.own[i];
        rise |= fmaxf(d * e.y, d * e.z) - e.w > ray.best[i];
    }
    return rise;
}

// Groups FIRST to 7 of a record: all bounds at once, then the crossings of those that any lane needs.
template <int FIRST>
__device__ __forceinline__ void take_record(Rays& ray, const float4* record, int q)
{
    unsigned open = 0;
    OPAQUE(record);
#pragma unroll
    for (int k = FIRST; k < 8; ++k)
        if (may_rise(ray, ENTRY(record + 64 + k))) open |= 1u << k;
    open = __reduce_or_sync(FULL, open);
#pragma unroll 1
    while (open) {
        const int k = 8 * (__ffs(open) - 1);
        open &= open - 1;
        take_crossings<8>(ray, record + k, q + k);
    }
}

// How many crossings a ray has within the grid.
__device__ __forceinline__ int crossings_within(float4 view, int r, int c, int rows, int cols)
{
    const bool along_row = view.x > 0.5f;
    const int ahead = along_row ? c : r, across = along_row ? r : c;
    const int ahead_end = along_row ? cols - 1 : rows - 1, across_end = along_row ? rows - 1 : cols - 1;
    const int room = view.y > 0.0f ? ahead_end - ahead : ahead;
    const int sideways = view.z > 0.0f ? across_end - across : across;
    return min(room, (int)fminf((float)sideways * view.w + 0.01f, 1.0e9f));
}

extern "C" __global__ void __launch_bounds__(32 * WARPS_X * WARPS_Y, BLOCKS) march(
    const float* __restrict__ w, const float4* __restrict__ table, const float4* __restrict__ look,
    int rows, int cols, int pitch, int plane, int pad, int records, int near_count, int azimuths,
    int chunk, double radius, double reference, double observer, float* __restrict__ out, short* __restrict__ centi)
{
#if SHARED
    extern __shared__ float4 stage[];
#endif
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int tiles = (cols + LANES_X * CELLS * WARPS_X - 1) / (LANES_X * CELLS * WARPS_X);
    const int supers = (tiles + SUPER - 1) / SUPER, super = blockIdx.x / (SUPER * SUPER);
    const int within = blockIdx.x % (SUPER * SUPER);
    const int tile_x = super % supers * SUPER + within % SUPER, tile_y = super / supers * SUPER + within / SUPER;
    const int c = (tile_x * WARPS_X + warp % WARPS_X) * (LANES_X * CELLS) + lane % LANES_X;
    const int r = (tile_y * WARPS_Y + warp / WARPS_X) * LANES_Y + lane / LANES_X;
    const bool inside = r < rows && c < cols;
#if SHARED
    if (!__syncthreads_or(inside)) return;
#else
    if (!__any_sync(FULL, inside)) return;
#endif
    Rays ray;
    ray.w = w;
    ray.at = (unsigned)((min(r, rows - 1) + pad) * pitch + (min(c, cols - 1) + pad));
    bool real[CELLS], active[CELLS];
    float factor[CELLS];
#pragma unroll
    for (int i = 0; i < CELLS; ++i) {
        const float ground = __ldg((const float2*)w + ray.at + i * LANES_X).x;
        real[i] = ground > 0.1f * VOID_HEIGHT;
        active[i] = real[i] && r < rows && c + i * LANES_X < cols;
        factor[i] = 1.0f;
        ray.own[i] = 0.0f;
        ray.where[i] = 0;
        if (real[i]) {
            const double absolute = ground + reference, height = absolute / (1.0 - absolute / radius);
            const double lifted = 1.0 + (height + observer) / radius;
            factor[i] = (float)lifted;
            ray.own[i] = ground + (float)(observer / ((1.0 + height / radius) * lifted));
        }
    }
    const int last = min(azimuths, (int)(blockIdx.y + 1) * chunk);
#pragma unroll 1
    for (int a = blockIdx.y * chunk; a < last; ++a) {
        const int entries = 2 * near_count + records * RECORD;
        const float4* near = table + (size_t)a * entries;
#if SHARED
        __syncthreads();
        for (int k = threadIdx.x; k < entries; k += 32 * WARPS_X * WARPS_Y) stage[k] = __ldg(near + k);
        __syncthreads();
        near = stage;
#endif
        ray.table = near + 2 * near_count;
        const float4 view = __ldg(look + a);
        int reach[CELLS], guess[CELLS], furthest = 0;
#pragma unroll
        for (int i = 0; i < CELLS; ++i) {
            reach[i] = active[i] ? crossings_within(view, r, c + i * LANES_X, rows, cols) : 0;
            furthest = max(furthest, reach[i]);
            ray.best[i] = active[i] ? FLOOR_TAN : 1.0e30f;
            guess[i] = ray.where[i];
            ray.where[i] = 0;
        }
        furthest = __reduce_max_sync(FULL, furthest);
        OPAQUE(near);
#pragma unroll 3
        for (int k = 0; k < near_count; ++k) {
            const float4 e = ENTRY(near + 2 * k);
            const float drop = ENTRY(&near[2 * k + 1].x);
            const float2* p = (const float2*)w + (ray.at + (unsigned)__float_as_int(e.x));
#pragma unroll
            for (int i = 0; i < CELLS; ++i) {
                const float2 left = __ldg(p + i * LANES_X), right = __ldg(p + i * LANES_X + 1);
                const float from = fmaf(left.y, e.z, left.x), to = fmaf(right.y, e.z, right.x);
                ray.best[i] = fmaxf(ray.best[i], fmaf(fmaf(to - from, e.y, from) - ray.own[i], e.w, -drop));
            }
        }
#pragma unroll
        for (int i = 0; i < CELLS; ++i) {
            const int q = guess[i];
            if (q > 0 && q <= reach[i]) {
                const float4 e = ENTRY(ray.table + (q / 64 * RECORD + q % 64));
                const unsigned at = ray.at + i * LANES_X + (unsigned)__float_as_int(e.x);
                const float t = tangent(__ldg((const float2*)w + at), e, ray.own[i]);
                if (t > ray.best[i]) { ray.best[i] = t; ray.where[i] = q; }
            }
        }
        const float4* record = ray.table;
        take_crossings<4>(ray, record + 4, 4);
        take_crossings<8>(ray, record + 8, 8);
        if (furthest >= 16) take_record<2>(ray, record, 0);
        if (furthest >= 64) take_record<0>(ray, record + RECORD, 64);
#pragma unroll 1
        for (int q = 128; q <= furthest; q += 64 * AHEAD) {
            const float4* here = ray.table + (q / 64) * RECORD;
            OPAQUE(here);
            unsigned open = 0;
#pragma unroll
            for (int k = 0; k < AHEAD; ++k)
                if (q + 64 * k <= furthest && may_rise(ray, ENTRY(here + k * RECORD + 72))) open |= 1u << k;
            open = __reduce_or_sync(FULL, open);
#pragma unroll 1
            while (open) {
                const int k = __ffs(open) - 1;
                open &= open - 1;
                take_record<0>(ray, here + k * RECORD, q + 64 * k);
            }
        }
#pragma unroll
        for (int i = 0; i < CELLS; ++i) {
            if (r >= rows || c + i * LANES_X >= cols) continue;
            const size_t at = ((size_t)a * rows + r) * cols + (c + i * LANES_X);
            const int q = ray.where[i];
            const float lift = q > 0 ? ENTRY(&ray.table[q / 64 * RECORD + q % 64].w) : 0.0f;
            float angle = atanf(fmaf(factor[i], ray.best[i] + lift, -lift));
            if (ray.best[i] <= FLOOR_TAN) angle = -1.57079632679f;
            if (out) out[at] = real[i] ? angle : __int_as_float(0x7fc00000);
            if (centi) centi[at] = real[i] ? (short)__float2int_rn(angle * 5729.57795131f) : (short)-32768;
        }
    }
}
