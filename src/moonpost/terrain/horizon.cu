// Horizon maps of a plane grid on a sphere, one warp for a small tile of cells, all lanes looking the same way.
//
// Heights are kept as w = z / (1 + z / R) - reference. With them the tangent of the elevation of a point at the
// central angle a is exactly F (w - w0) / (R sin a) - tan(a / 2), where F = 1 + h0 / R belongs to the observer.
// So one fused multiply-add ranks all points of a ray, and everything else about a sample is the same for all lanes
// of a warp: it is read from a table that belongs to the azimuth.
//
// A ray is sampled (1) bilinearly at a list of short distances, (2) at the crossings 4 to 15 of grid lines of the
// main axis, (3) beyond, in groups of 8 crossings, and only in those groups whose highest cell could still raise the
// horizon of any lane: after the highest cell of all 64 crossings from 128 on, and that of WIDE crossings from WIDE
// on. The first lower bound is the sample that made the horizon at the azimuth before.
//
// Planes, one after the other in one array; each has a rim without heights:
//   0  pairs (w, next row minus w), then pairs (w, next column minus w), as float2
//   1, 2, 3  highest of windows for 8, 64 and WIDE crossings. A cell of these stands for 1 << SHIFT cells a side of
//      the grid, and its window is so much larger that it holds the crossings of all observers in those cells.
//
// What limits it on an H100 is the way from the L1 cache to the registers: an entry of the table costs each warp four
// cycles there and a pair of heights two. So each lane stands for CELLS observers, which share the entries; the near
// part of the table of an azimuth, up to WIDE crossings, lies in shared memory.
//
// Compile-time: LANES_X x LANES_Y = 32 lanes of a warp; CELLS; WARPS_X x WARPS_Y warps of a block, BLOCKS of them at
// a time; AHEAD wide blocks tested at once; SHARED 0 or 1 (the tests); SHIFT1, SHIFT2, SHIFT3; WIDE_LEVEL.

#define FLOOR_TAN -1.0e6f
#define VOID_HEIGHT -1.0e20f
#define FULL 0xffffffffu
#define RECORD 72                    // of 64 crossings: their samples, 8 groups of 8
#define WIDE (1 << WIDE_LEVEL)
#define PARTS (1 << (WIDE_LEVEL - 6))  // records in a wide block
#define PAD 128                      // cells without height around the pairs
#define SUPER 16  // blocks a side that run one after the other, so that their rays share the cache

#if SHARED
#define ENTRY(p) (*(p))
#else
#define ENTRY(p) __ldg(p)
#endif
#ifndef OPAQUE
#define OPAQUE(p) asm("" : "+l"(p))  // keeps an address out of the uniform registers, from which loads cannot start
#endif

struct Plane {
    int pitch, height;  // floats in a row (pairs: of one of the two planes), rows
    int start;          // first float
    int pad, shift;     // cells of the grid in the rim and, as a power of 2, on a side of a cell
    int window;         // cells of the grid on a side of the window
};

__device__ __forceinline__ Plane plane_of(int level, int rows, int cols)
{
    Plane p;
    p.pitch = cols + 2 * PAD;
    p.height = rows + 2 * PAD;
    p.start = 0;
    p.pad = PAD;
    p.shift = 0;
    p.window = 1;
    int size = 4 * p.pitch * p.height;
    for (int k = 1; k <= level; ++k) {
        p.start += size;
        p.shift = k == 1 ? SHIFT1 : k == 2 ? SHIFT2 : SHIFT3;
        p.pad = k == 3 ? PAD + WIDE : PAD;
        p.pitch = ((cols + 2 * p.pad) >> p.shift) + 1;
        p.height = ((rows + 2 * p.pad) >> p.shift) + 1;
        p.window = (k == 1 ? 8 : k == 2 ? 64 : WIDE) + 2 * (1 << p.shift) - 1;
        size = p.pitch * p.height;
    }
    return p;
}

__device__ __forceinline__ float mapped(
    const float* __restrict__ z, int r, int c, int rows, int cols, double radius, double reference)
{
    if (r < 0 || c < 0 || r >= rows || c >= cols) return VOID_HEIGHT;
    const float h = z[(size_t)r * cols + c];
    return h == h ? (float)(h / (1.0 + h / radius) - reference) : VOID_HEIGHT;
}

// Plane 0.
extern "C" __global__ void prepare(
    const float* __restrict__ z, float* __restrict__ w, int rows, int cols, double radius, double reference)
{
    const Plane p = plane_of(0, rows, cols);
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int j = blockIdx.y;
    if (i >= p.pitch || j >= p.height) return;
    const int r = j - PAD, c = i - PAD;
    const size_t at = (size_t)j * p.pitch + i;
    const float here = mapped(z, r, c, rows, cols, radius, reference);
    const float below = mapped(z, r + 1, c, rows, cols, radius, reference);
    const float beside = mapped(z, r, c + 1, rows, cols, radius, reference);
    float2* pairs = (float2*)w;
    pairs[at] = make_float2(here, below - here);
    pairs[at + (size_t)p.pitch * p.height] = make_float2(here, beside - here);
}

// Planes 1 to 3, each from windows of the one below.
extern "C" __global__ void gather(float* __restrict__ w, int level, int rows, int cols)
{
    const Plane p = plane_of(level, rows, cols), low = plane_of(level - 1, rows, cols);
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int j = blockIdx.y;
    if (i >= p.pitch || j >= p.height) return;
    const float* from = w + low.start;
    const int each = level == 1 ? 2 : 1, step = max(1, low.window >> low.shift);
    const int end = (p.window - low.window + (1 << low.shift) - 1) >> low.shift;
    const int c = (((i << p.shift) - p.pad) >> low.shift) + (low.pad >> low.shift);
    const int r = (((j << p.shift) - p.pad) >> low.shift) + (low.pad >> low.shift);
    float high = VOID_HEIGHT;
    for (int y = 0;; y = min(y + step, end)) {
        const float* row = from + (size_t)min(max(r + y, 0), low.height - 1) * low.pitch * each;
        for (int x = 0;; x = min(x + step, end)) {
            high = fmaxf(high, row[min(max(c + x, 0), low.pitch - 1) * each]);
            if (x >= end) break;
        }
        if (y >= end) break;
    }
    w[p.start + (size_t)j * p.pitch + i] = high;
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

// Table of one azimuth a block row: near samples in pairs, wide blocks, 64 crossings each, records of 64 crossings.
extern "C" __global__ void tabulate(
    const double* __restrict__ azimuth, const double* __restrict__ near_at, float4* __restrict__ table,
    float4* __restrict__ look, int records, int near_count, int rows, int cols,
    double pixel, double radius, double nearest, double furthest)
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
    const Plane pairs = plane_of(0, rows, cols);
    const int plane = pairs.pitch * pairs.height;
    const double step = pixel / axis, unit = step / radius;  // way and central angle between crossings
    if (k == 0) {
        look[2 * a] = make_float4(along_row ? 1.0f : 0.0f, (float)sign, (float)slope,
                                  (float)(1.0 / fmax(fabs(slope), 1e-15)));
        look[2 * a + 1] = make_float4((float)fmin(floor(nearest / step), 1e9), (float)fmin(furthest / step + 1.0, 1e9),
                                      0.0f, 0.0f);
    }
    const int wides = (records + PARTS - 1) / PARTS;
    float4* row = table + (size_t)a * (2 * near_count + wides + records * (RECORD + 1));
    if (k < near_count) {
        const double u = near_at[k], way = u * pixel, angle = way / radius;
        int cx, cy;
        const float fx = fraction(dx * u, &cx), fy = fraction(dy * u, &cy);
        const bool seen = way >= nearest && way <= furthest;
        row[2 * k] = make_float4(__int_as_float(cy * pairs.pitch + cx), fx, fy,
                                 seen ? (float)(1.0 / (radius * sin(angle))) : 0.0f);
        row[2 * k + 1] = make_float4(seen ? (float)tan(0.5 * angle) : 1e30f, 0.0f, 0.0f, 0.0f);
    }
    row += 2 * near_count;
    float4* crossings = row + wides + records;
    if (k < records * 64) {
        int cell;
        const float f = fraction(slope * k, &cell);
        const double angle = k * unit;
        const bool seen = k > 0 && k * step >= nearest && k * step <= furthest;
        crossings[k / 64 * RECORD + k % 64] = make_float4(
            __int_as_float((along_row ? 0 : plane) + sign * k * (along_row ? 1 : pairs.pitch)
                           + cell * (along_row ? pairs.pitch : 1)), f,
            seen ? (float)(1.0 / (radius * sin(angle))) : 0.0f, seen ? (float)tan(0.5 * angle) : 1e30f);
    }
    for (int level = 1; level <= 3; ++level) {
        const int size = level == 1 ? 8 : level == 2 ? 64 : WIDE;
        if (k >= (level == 1 ? records * 8 : level == 2 ? records : wides)) break;
        const Plane p = plane_of(level, rows, cols);
        const int q0 = k * size, q1 = q0 + size - 1;
        int cell;
        fraction(fmin(slope * q0, slope * q1), &cell);
        const int ahead = (sign > 0 ? q0 : -q1) >> p.shift, beside = cell >> p.shift;
        const double near_angle = fmax((double)q0, 0.5) * unit, far_angle = q1 * unit;
        const bool seen = q0 * step <= furthest && q1 * step >= nearest;
        float4* place = level == 1 ? crossings + k / 8 * RECORD + 64 + k % 8 : level == 2 ? row + wides + k : row + k;
        *place = make_float4(
            __int_as_float(along_row ? beside * p.pitch + ahead : ahead * p.pitch + beside),
            (float)(1.0 / (radius * sin(near_angle))), (float)(1.0 / (radius * sin(far_angle))),
            seen ? (float)tan(0.5 * near_angle) : 1e30f);
    }
}

struct Rays {              // of the CELLS observers of a lane, LANES_X columns apart
    const float* w;        // first plane
    unsigned at[4];        // the first observer's cell in each plane
    float own[CELLS];      // w of the observer
    float best[CELLS];     // highest tangent so far, before F
    int where[CELLS];      // its crossing; 0 when it is one of the near samples
};

__device__ __forceinline__ float tangent(float2 v, float4 e, float own)
{
    return fmaf(fmaf(v.y, e.y, v.x) - own, e.z, -e.w);
}

template <int STAGE>
__device__ __forceinline__ float4 entry_at(const float4* p)
{
    return STAGE ? ENTRY(p) : __ldg(p);
}

// Raise the horizons by N crossings, the first of which is number q and has its entry at `e`.
template <int N, int STAGE>
__device__ __forceinline__ void take_crossings(Rays& ray, const float4* e, int q)
{
    float t[CELLS][N];
    if (!STAGE || !SHARED) OPAQUE(e);
#pragma unroll
    for (int k = 0; k < N; ++k) {
        const float4 entry = entry_at<STAGE>(e + k);
        const float2* p = (const float2*)ray.w + (ray.at[0] + (unsigned)__float_as_int(entry.x));
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

// Whether the crossings behind an entry of a level could raise a horizon of this lane.
template <int LEVEL>
__device__ __forceinline__ bool may_rise(const Rays& ray, float4 e)
{
    const int apart = LANES_X >> (LEVEL == 1 ? SHIFT1 : LEVEL == 2 ? SHIFT2 : SHIFT3);
    const float* p = ray.w + (ray.at[LEVEL] + (unsigned)__float_as_int(e.x));
    bool rise = false;
#pragma unroll
    for (int i = 0; i < CELLS; ++i) {
        const float d = __ldg(p + i * apart) - ray.own[i];
        rise |= fmaxf(d * e.y, d * e.z) - e.w > ray.best[i];
    }
    return rise;
}

// Groups FIRST to 7 of a record: all bounds at once, then the crossings of those that any lane needs.
template <int FIRST, int STAGE>
__device__ __forceinline__ void take_record(Rays& ray, const float4* record, int q)
{
    unsigned open = 0;
    if (!STAGE || !SHARED) OPAQUE(record);
#pragma unroll
    for (int k = FIRST; k < 8; ++k)
        if (may_rise<1>(ray, entry_at<STAGE>(record + 64 + k))) open |= 1u << k;
    open = __reduce_or_sync(FULL, open);
#pragma unroll 1
    while (open) {
        const int k = 8 * (__ffs(open) - 1);
        open &= open - 1;
        take_crossings<8, STAGE>(ray, record + k, q + k);
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
    return min(room, (int)fminf(((float)sideways + 1e-6f) * view.w + 0.01f, 1.0e9f));
}

// Horizons of the cells row0 to row1 - 1 and col0 to col1 - 1.
extern "C" __global__ void __launch_bounds__(32 * WARPS_X * WARPS_Y, BLOCKS) march(
    const float* __restrict__ w, const float4* __restrict__ table, const float4* __restrict__ look,
    int rows, int cols, int row0, int row1, int col0, int col1, int records, int near_count, int azimuths,
    int chunk, double radius, double reference, double observer, float* __restrict__ out, short* __restrict__ centi)
{
#if SHARED
    extern __shared__ float4 stage[];
#endif
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int tiles = (col1 - col0 + LANES_X * CELLS * WARPS_X - 1) / (LANES_X * CELLS * WARPS_X);
    const int supers = (tiles + SUPER - 1) / SUPER, super = blockIdx.x / (SUPER * SUPER);
    const int within = blockIdx.x % (SUPER * SUPER);
    const int tile_x = super % supers * SUPER + within % SUPER, tile_y = super / supers * SUPER + within / SUPER;
    const int c = col0 + (tile_x * WARPS_X + warp % WARPS_X) * (LANES_X * CELLS) + lane % LANES_X;
    const int r = row0 + (tile_y * WARPS_Y + warp / WARPS_X) * LANES_Y + lane / LANES_X;
    const bool inside = r < row1 && c < col1;
#if SHARED
    if (!__syncthreads_or(inside)) return;
#else
    if (!__any_sync(FULL, inside)) return;
#endif
    Rays ray;
    ray.w = w;
#pragma unroll
    for (int k = 0; k < 4; ++k) {
        const Plane p = plane_of(k, rows, cols);
        ray.at[k] = (unsigned)(p.start + ((min(r, row1 - 1) + p.pad) >> p.shift) * p.pitch
                               + ((min(c, col1 - 1) + p.pad) >> p.shift));
    }
    bool real[CELLS], active[CELLS];
    float factor[CELLS];
#pragma unroll
    for (int i = 0; i < CELLS; ++i) {
        const float ground = __ldg((const float2*)w + ray.at[0] + i * LANES_X).x;
        real[i] = ground > 0.1f * VOID_HEIGHT;
        active[i] = real[i] && r < row1 && c + i * LANES_X < col1;
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
    const int wides = (records + PARTS - 1) / PARTS, before = 2 * near_count + wides + records;
    const int entries = before + records * RECORD;
#pragma unroll 1
    for (int a = blockIdx.y * chunk; a < last; ++a) {
        const float4* far = table + (size_t)a * entries;
        const float4* near = far;
#if SHARED
        __syncthreads();
        const int staged = before + min(records, PARTS) * RECORD;
        for (int k = threadIdx.x; k < staged; k += 32 * WARPS_X * WARPS_Y) stage[k] = __ldg(near + k);
        __syncthreads();
        near = stage;
#endif
        const float4* record = near + before;
        far += before;
        const float4 view = __ldg(look + 2 * a), range = __ldg(look + 2 * a + 1);
        const int first = (int)range.x;
        int reach[CELLS], guess[CELLS], furthest = 0;
#pragma unroll
        for (int i = 0; i < CELLS; ++i) {
            reach[i] = active[i] ? crossings_within(view, r, c + i * LANES_X, rows, cols) : 0;
            reach[i] = min(reach[i], (int)range.y);
            furthest = max(furthest, reach[i]);
            ray.best[i] = active[i] ? FLOOR_TAN : 1.0e30f;
            guess[i] = ray.where[i];
            ray.where[i] = 0;
        }
        furthest = __reduce_max_sync(FULL, furthest);
        if (first <= 8) {
            if (!SHARED) OPAQUE(near);
#pragma unroll 3
            for (int k = 0; k < near_count; ++k) {
                const float4 e = ENTRY(near + 2 * k);
                const float drop = ENTRY(&near[2 * k + 1].x);
                const float2* p = (const float2*)w + (ray.at[0] + (unsigned)__float_as_int(e.x));
#pragma unroll
                for (int i = 0; i < CELLS; ++i) {
                    const float2 left = __ldg(p + i * LANES_X), right = __ldg(p + i * LANES_X + 1);
                    const float from = fmaf(left.y, e.z, left.x), to = fmaf(right.y, e.z, right.x);
                    ray.best[i] = fmaxf(ray.best[i], fmaf(fmaf(to - from, e.y, from) - ray.own[i], e.w, -drop));
                }
            }
        }
#pragma unroll
        for (int i = 0; i < CELLS; ++i) {
            const int q = min(guess[i], reach[i]);
            if (q >= 4 && q >= first) {
                const float4* at = (SHARED && q < WIDE ? record : far) + (q / 64 * RECORD + q % 64);
                const float4 e = SHARED ? *at : ENTRY(at);
                const unsigned cell = ray.at[0] + i * LANES_X + (unsigned)__float_as_int(e.x);
                const float t = tangent(__ldg((const float2*)w + cell), e, ray.own[i]);
                if (t > ray.best[i]) { ray.best[i] = t; ray.where[i] = q; }
            }
        }
        if (first < 16) {
            take_crossings<4, 1>(ray, record + 4, 4);
            take_crossings<8, 1>(ray, record + 8, 8);
        }
        if (furthest >= 16 && first < 64) take_record<2, 1>(ray, record, 0);
        const float4 *wide = near + 2 * near_count, *tops = wide + wides;
        if (furthest >= 64 && first < WIDE) {
            unsigned open = 0;
            if (!SHARED) OPAQUE(tops);
#pragma unroll
            for (int k = 2; k < PARTS; ++k)
                if (64 * k <= furthest && may_rise<2>(ray, ENTRY(tops + k))) open |= 1u << k;
            open = __reduce_or_sync(FULL, open) | (first < 128 ? 2u : 0u);
#pragma unroll 1
            while (open) {
                const int k = __ffs(open) - 1;
                open &= open - 1;
                take_record<0, 1>(ray, record + k * RECORD, 64 * k);
            }
        }
#pragma unroll 1
        for (int b = max(1, first >> WIDE_LEVEL); b << WIDE_LEVEL <= furthest; b += AHEAD) {
            unsigned some = 0;
            const float4* here = wide + b;
            if (!SHARED) OPAQUE(here);
#pragma unroll
            for (int k = 0; k < AHEAD; ++k)
                if ((b + k) << WIDE_LEVEL <= furthest && may_rise<3>(ray, ENTRY(here + k))) some |= 1u << k;
            some = __reduce_or_sync(FULL, some);
#pragma unroll 1
            while (some) {
                const int from = (b + __ffs(some) - 1) * PARTS;
                some &= some - 1;
                const float4* top = tops + from;
                if (!SHARED) OPAQUE(top);
                unsigned open = 0;
#pragma unroll
                for (int k = 0; k < PARTS; ++k)
                    if (64 * (from + k) <= furthest && may_rise<2>(ray, ENTRY(top + k))) open |= 1u << k;
                open = __reduce_or_sync(FULL, open);
#pragma unroll 1
                while (open) {
                    const int k = from + __ffs(open) - 1;
                    open &= open - 1;
                    take_record<0, 0>(ray, far + k * RECORD, 64 * k);
                }
            }
        }
        const size_t plane = (size_t)(row1 - row0) * (col1 - col0);
#pragma unroll
        for (int i = 0; i < CELLS; ++i) {
            if (r >= row1 || c + i * LANES_X >= col1) continue;
            const size_t at = a * plane + (size_t)(r - row0) * (col1 - col0) + (c - col0 + i * LANES_X);
            const int q = ray.where[i];
            const float4* made = (SHARED && q < WIDE ? record : far) + (q / 64 * RECORD + q % 64);
            const float lift = q > 0 ? (SHARED ? made->w : ENTRY(&made->w)) : 0.0f;
            float angle = atanf(fmaf(factor[i], ray.best[i] + lift, -lift));
            if (ray.best[i] <= FLOOR_TAN) angle = -1.57079632679f;
            if (out) out[at] = real[i] ? angle : __int_as_float(0x7fc00000);
            if (centi) centi[at] = real[i] ? (short)__float2int_rn(angle * 5729.57795131f) : (short)-32768;
        }
    }
}
