// Tile horizons from the horizons of their levels: the loops of tilekernels.py, one thread for a point or a cell.

#define NOTHING -1e3f // slope where a ray meets no ground
#define LOST -9.0f    // and below which some of it came in
#define MOON_M 1737400.0f

// Elevations on a chart [rad] to slopes, in place.
extern "C" __global__ void slopes(float* __restrict__ angle, long long count)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) angle[i] = angle[i] > -1.5f ? tanf(angle[i]) : NOTHING;
}

// Slope for an eye between two heights, bilinear between four cells.
__device__ __forceinline__ float slope_at(
    const float* __restrict__ low, const float* __restrict__ high, int cell, int width, const float* weight,
    float share)
{
    const float s0 = low[cell] * weight[0] + low[cell + 1] * weight[1] + low[cell + width] * weight[2]
                     + low[cell + width + 1] * weight[3];
    const float s1 = high[cell] * weight[0] + high[cell + 1] * weight[1] + high[cell + width] * weight[2]
                     + high[cell + width + 1] * weight[3];
    return fminf(s0, s1) < LOST ? NOTHING : s0 + (s1 - s0) * share;
}

// Raise the tangents `best` (azimuths, eyes, points) by a far level with slopes (heights, azimuths, cells).
extern "C" __global__ void raise_lattice(
    const float* __restrict__ slope, int azimuths, int cells, int width, const int* __restrict__ corner,
    const float* __restrict__ part, const signed char* __restrict__ below, const float* __restrict__ share,
    const float* __restrict__ height, const float* __restrict__ place, const float* __restrict__ turn,
    const float* __restrict__ aim, int eyes, int points, float* __restrict__ best)
{
    const int p = blockIdx.x * blockDim.x + threadIdx.x;
    const int a = blockIdx.y;
    if (p >= points) return;
    const int other = a + 1 < azimuths ? a + 1 : max(a - 1, 0);
    const float *here = aim + 6 * a, sine = here[0], cosine = here[1];
    float x = turn[p] * sine + turn[points + p] * cosine, y = turn[2 * points + p] * sine + turn[3 * points + p] * cosine;
    const float norm = 1.0f / sqrtf(x * x + y * y);
    x *= norm;
    y *= norm;
    const float ahead = (x * here[3] - y * here[2]) * here[5];
    const float fall = place[p] * x + place[points + p] * y;
    const float level = 1.0f / sqrtf(1.0f - fall * fall);
    const float v = part[p], u = part[points + p];
    const float weight[4] = {(1.0f - v) * (1.0f - u), (1.0f - v) * u, v * (1.0f - u), v * u};
    for (int e = 0; e < eyes; ++e) {
        const size_t apart = (size_t)azimuths * cells, first = below[e * points + p] * apart;
        const float *now = slope + first + (size_t)a * cells, *next = slope + first + (size_t)other * cells;
        const float between = share[e * points + p];
        float s = slope_at(now, now + apart, corner[p], width, weight, between);
        if (s < LOST) continue;
        const float beside = slope_at(next, next + apart, corner[p], width, weight, between);
        if (beside > LOST) s += (beside - s) * ahead;
        const float tangent = (fall + (s - here[4]) * (1.0f + height[e * points + p] / MOON_M)) * level;
        float* at = best + ((size_t)a * eyes + e) * points + p;
        if (tangent > *at) *at = tangent;
    }
}

// Tangents of the lattice to elevations, in place.
extern "C" __global__ void bend(float* __restrict__ tangent, long long count)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) tangent[i] = atanf(tangent[i]);
}

// Higher of the near horizons (masts, azimuths, rows, cols) and the far ones (azimuths, 3, lattice), as 0.01 deg.
extern "C" __global__ void combine(
    const float* __restrict__ near, const float* __restrict__ far, int masts, int azimuths, int rows, int cols,
    int lattice_rows, int lattice_cols, int spacing, int first_row, int first_col, const float* __restrict__ above,
    const float* __restrict__ mast_m, const float* __restrict__ nodes, const float* __restrict__ stretch,
    const unsigned char* __restrict__ missing, const float* __restrict__ dips, short* __restrict__ result)
{
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= cols) return;
    const int r = blockIdx.y, a = blockIdx.z;
    const int top = (r + first_row) / spacing, left = (c + first_col) / spacing;
    const float down = (float)((r + first_row) % spacing) / spacing;
    const float right = (float)((c + first_col) % spacing) / spacing;
    const int bottom = min(top + 1, lattice_rows - 1), beside = min(left + 1, lattice_cols - 1);
    float v[3];
    for (int node = 0; node < 3; ++node) {
        const float* at = far + ((size_t)a * 3 + node) * lattice_rows * lattice_cols;
        const float *upper = at + (size_t)top * lattice_cols, *lower = at + (size_t)bottom * lattice_cols;
        const float one = upper[left] + (upper[beside] - upper[left]) * right;
        const float two = lower[left] + (lower[beside] - lower[left]) * right;
        v[node] = one + (two - one) * down;
    }
    const float first = 1.0f / (nodes[1] - nodes[0]), second = 1.0f / (nodes[2] - nodes[1]);
    const size_t cell = (size_t)r * cols + c, plane = (size_t)rows * cols;
    const float stretched = stretch[cell];
    for (int mast = 0; mast < masts; ++mast) {
        const size_t at = ((size_t)mast * azimuths + a) * plane + cell;
        const float over = above[cell] + mast_m[mast] - nodes[1];
        const float distant = fmaxf(v[1] + over * (v[1] - v[0]) * first, v[1] + over * (v[2] - v[1]) * second);
        float e = near[at];
        e += stretched * (e - 0.6666667f * e * e * e);
        e = distant > e ? distant : e;
        e = e > -1.5f ? e : dips[mast];
        result[at] = missing[cell] ? (short)-32768 : (short)floorf(e * 5729.57795131f + 0.5f);
    }
}
