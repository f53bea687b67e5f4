// Products in 16 bits with AVX2, both directions: see linear-int16.inl. Activations have 13 bits and weights 12 in blocks of 128 along the
// contraction, so that a tile's integers become floats four times as seldom as with blocks of 32, and still round a sixteenth of what 8 bits do.
// The sum of a block stays below 128 * 8191 * 2048 < 2^31.

constexpr bool INT16_BACKWARD = true;
constexpr int64_t BLOCK_INT16 = 128;
constexpr float MOST_INT16 = 8191;
constexpr int64_t LANES_INT16 = 16;
constexpr int64_t K_BLOCK_INT16 = 256; // 16 lanes are 8 KB and stay in the first cache, all of a backward step are 128 KB
constexpr int ROWS_INT16 = 6;

struct ScratchInt16 {
  int16_t panel[PANELS * PANEL * K_BLOCK_INT16];
  float scale[PANELS * PANEL * K_BLOCK_INT16 / BLOCK_INT16];
  int16_t lanes[8 * K_BLOCK_INT16];
  float rows[BLOCK_INT16 * PANELS * PANEL]; // of a type that is no 8-bit one by itself
  float row[PANELS * PANEL + 512];
};
static_assert(K_BLOCK_INT16 <= PANELS * PANEL);
static_assert(PANEL * K_BLOCK_INT16 / BLOCK_GGML <= PANELS * PANEL * K_BLOCK_INT16 / BLOCK_INT16);
static ScratchInt16 & scratch_int16() {
  static thread_local std::unique_ptr<ScratchInt16> memory;
  if (!memory) memory = std::make_unique<ScratchInt16>();
  return *memory;
}

static inline __m256 size_of(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
static inline __m256i * vectors(void * p) { return static_cast<__m256i *>(p); }
/** Two vectors of 8 floats as 16 integers. */
static inline __m256i to_integers(__m256 a, __m256 b) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b)), 0xd8);
}

/** The largest size of n values, a multiple of 8. NaN when one is, so that a diverged run is seen. */
static inline float largest_size(const float * x, int64_t n) {
  __m256 top = _mm256_setzero_ps(), bad = top;
  for (int64_t i = 0; i < n; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    top = _mm256_max_ps(top, size_of(v));
    bad = _mm256_or_ps(bad, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  }
  if (_mm256_movemask_ps(bad) != 0) return NAN;
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(top), _mm256_extractf128_ps(top, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

/** n values, a multiple of 32, as integers up to `most`. Returns the scale: NaN when a value is. */
static inline float round_to(float most, const float * x, int16_t * q, int64_t n) {
  const float top = largest_size(x, n);
  const __m256 inverse = _mm256_set1_ps(top > 0 ? most / top : 0.0f);
  for (int64_t i = 0; i < n; i += 16) {
    _mm256_storeu_si256(vectors(q + i), to_integers(_mm256_mul_ps(_mm256_loadu_ps(x + i), inverse), _mm256_mul_ps(_mm256_loadu_ps(x + i + 8), inverse)));
  }
  return top / most;
}

/** 16 numbers of 8 bits in 12, times a ratio to the largest scale in 15 bits, rounded. */
static inline __m256i bring(__m128i bytes, __m256i ratio) { return _mm256_mulhrs_epi16(_mm256_slli_epi16(_mm256_cvtepi8_epi16(bytes), 4), ratio); }
static inline __m256i ratio_of(float scale, float inverse) { return _mm256_set1_epi16(int16_t(std::lrint(scale * inverse))); }

/** n weights of a row, numbers of 8 bits in blocks of 32: they get the largest of the blocks' scales, which is returned. */
template <int type> static inline float round_blocks(const uint8_t * block, int16_t * q, int64_t n) {
  alignas(32) float scales[8] = {};
  __m256i values[BLOCK_INT16 / 32];
  for (int64_t b = 0; b < n / 32; b++, block += block_size_of<type>) values[b] = block_values<type>(block, scales[b]);
  const float top = largest_size(scales, 8), inverse = top > 0 ? 32767.0f / top : 0.0f;
  for (int64_t b = 0; b < n / 32; b++, q += 32) {
    const __m256i ratio = ratio_of(scales[b], inverse);
    _mm256_storeu_si256(vectors(q), bring(_mm256_castsi256_si128(values[b]), ratio));
    _mm256_storeu_si256(vectors(q + 16), bring(_mm256_extracti128_si256(values[b], 1), ratio));
  }
  return top / 16;
}

/** 32 weights of a row as they are; returns their scale. */
template <int type> static inline float as_they_are(const uint8_t * block, int16_t * q) {
  float scale;
  const __m256i values = block_values<type>(block, scale);
  _mm256_storeu_si256(vectors(q), _mm256_cvtepi8_epi16(_mm256_castsi256_si128(values)));
  _mm256_storeu_si256(vectors(q + 16), _mm256_cvtepi8_epi16(_mm256_extracti128_si256(values, 1)));
  return scale;
}

/** As ggml's quantize_row_q8_0 does, whose scales have 16 bits. */
static void to_ggml(const float * from, void * to, int64_t n_rows, int64_t n, int ith, int nth) {
  int64_t begin, end;
  share(n_rows, ith, nth, 1, begin, end);
  for (int64_t row = begin; row < end; row++) {
    auto * q = static_cast<int16_t *>(to) + row * int16_row_values(n);
    auto * scales = reinterpret_cast<float *>(q + n);
    for (int64_t k = 0; k < n; k += BLOCK_GGML) scales[k / BLOCK_GGML] = _cvtsh_ss(_cvtss_sh(round_to(127, from + row * n + k, q + k, BLOCK_GGML), _MM_FROUND_TO_NEAREST_INT));
  }
}

/** Panels of `lanes` rows from lane0, one behind the other. */
template <int64_t block, int type> static void pack_outputs_int16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt16 & s) {
  for (int64_t group = 0; group < lanes; group += 8) {
    const int64_t panel = group / LANES_INT16 * LANES_INT16, within = group % LANES_INT16;
    float * scales = s.scale + panel * (K_BLOCK_INT16 / block) + within;
    for (int64_t lane = 0; lane < 8; lane++) {
      const int64_t row = lane0 + group + lane;
      const float * f = type == any_type ? dequantise(w, row, k0, n_k, s.row) : nullptr;
      const auto * blocks = static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes;
      for (int64_t k = 0; k < n_k; k += block) {
        const int64_t n = std::min(block, n_k - k);
        int16_t * q = s.lanes + lane * K_BLOCK_INT16 + k;
        float & scale = scales[k / block * LANES_INT16 + lane];
        if constexpr (block == BLOCK_GGML) scale = as_they_are<type>(blocks + (k0 + k) / 32 * block_size_of<type>, q);
        else if constexpr (type == any_type) scale = round_to(2047, f + k, q, n);
        else scale = round_blocks<type>(blocks + (k0 + k) / 32 * block_size_of<type>, q, n);
      }
    }
    auto * to = reinterpret_cast<uint32_t *>(s.panel + panel * K_BLOCK_INT16) + within;
    for (int64_t k = 0; k < n_k; k += 16) transpose8(reinterpret_cast<const uint32_t *>(s.lanes + k), K_BLOCK_INT16 / 2, to + k / 2 * LANES_INT16, LANES_INT16);
  }
}

/** The 16 lanes of two rows as pairs. */
static inline void store_pairs(int16_t * to, __m256i first, __m256i second) {
  const __m256i low = _mm256_unpacklo_epi16(first, second), high = _mm256_unpackhi_epi16(first, second);
  _mm256_storeu_si256(vectors(to), _mm256_permute2x128_si256(low, high, 0x20));
  _mm256_storeu_si256(vectors(to + 16), _mm256_permute2x128_si256(low, high, 0x31));
}

/** n rows of 32 numbers of 8 bits, two panels wide: they get the largest of the rows' scales. */
template <int type> static void pack_rows_int16(const WeightView & w, int64_t row0, int64_t n, int64_t lane0, int16_t * panel, float * scale) {
  constexpr int64_t next = LANES_INT16 * K_BLOCK_INT16; // panel
  alignas(32) float scales[BLOCK_INT16];
  __m256i values[BLOCK_INT16];
  const auto * block = static_cast<const uint8_t *>(w.data) + size_t(row0) * w.row_bytes + lane0 / 32 * block_size_of<type>;
  for (int64_t i = 0; i < n; i++, block += w.row_bytes) values[i] = block_values<type>(block, scales[i]);
  const float top = largest_size(scales, n), inverse = top > 0 ? 32767.0f / top : 0.0f;
  for (int64_t i = 0; i < n; i += 2, panel += 2 * LANES_INT16) {
    const __m256i first = ratio_of(scales[i], inverse), second = ratio_of(scales[i + 1], inverse);
    store_pairs(panel, bring(_mm256_castsi256_si128(values[i]), first), bring(_mm256_castsi256_si128(values[i + 1]), second));
    store_pairs(panel + next, bring(_mm256_extracti128_si256(values[i], 1), first), bring(_mm256_extracti128_si256(values[i + 1], 1), second));
  }
  for (int64_t lane = 0; lane < LANES_INT16; lane += 8) {
    _mm256_storeu_ps(scale + lane, _mm256_set1_ps(top / 16));
    _mm256_storeu_ps(scale + next / BLOCK_INT16 + lane, _mm256_set1_ps(top / 16));
  }
}

/** n rows of 16 floats, one panel wide: every lane has a scale of its own. */
static void pack_lanes_int16(const float * rows, int64_t ld, int64_t n, int16_t * panel, float * scale) {
  __m256 top[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, bad = top[0];
  for (int64_t i = 0; i < n; i++) {
    const __m256 a = _mm256_loadu_ps(rows + i * ld), b = _mm256_loadu_ps(rows + i * ld + 8);
    top[0] = _mm256_max_ps(top[0], size_of(a));
    top[1] = _mm256_max_ps(top[1], size_of(b));
    bad = _mm256_or_ps(bad, _mm256_cmp_ps(a, b, _CMP_UNORD_Q));
  }
  const auto inverse_of = [](__m256 t) { return _mm256_and_ps(_mm256_div_ps(_mm256_set1_ps(2047), t), _mm256_cmp_ps(t, _mm256_setzero_ps(), _CMP_GT_OQ)); }; // of zeros 0
  const __m256 inverse[2] = {inverse_of(top[0]), inverse_of(top[1])};
  const auto rounded = [&](int64_t i) { return to_integers(_mm256_mul_ps(_mm256_loadu_ps(rows + i * ld), inverse[0]), _mm256_mul_ps(_mm256_loadu_ps(rows + i * ld + 8), inverse[1])); };
  for (int64_t i = 0; i < n; i += 2, panel += 2 * LANES_INT16) store_pairs(panel, rounded(i), rounded(i + 1));
  const __m256 unit = _mm256_set1_ps(_mm256_movemask_ps(bad) != 0 ? NAN : 1 / 2047.0f);
  for (int j = 0; j < 2; j++) _mm256_storeu_ps(scale + 8 * j, _mm256_mul_ps(top[j], unit));
}

/** Panels of `lanes` columns from lane0, one behind the other. */
template <int type> static void pack_inputs_int16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt16 & s) {
  constexpr int64_t widest = PANELS * PANEL, width = type == any_type ? LANES_INT16 : 2 * LANES_INT16;
  for (int64_t k = 0; k < n_k; k += BLOCK_INT16) {
    const int64_t n = std::min(BLOCK_INT16, n_k - k);
    if (type == any_type) {
      for (int64_t i = 0; i < n; i++) memcpy(s.rows + i * widest, dequantise(w, k0 + k + i, lane0, lanes, s.row), size_t(lanes) * sizeof(float));
    }
    for (int64_t lane = 0; lane < lanes; lane += width) {
      int16_t * to = s.panel + lane * K_BLOCK_INT16 + k * LANES_INT16;
      float * scale = s.scale + lane * (K_BLOCK_INT16 / BLOCK_INT16) + k / BLOCK_INT16 * LANES_INT16;
      if constexpr (type == any_type) pack_lanes_int16(s.rows + lane, widest, n, to, scale);
      else pack_rows_int16<type>(w, k0 + k, n, lane0 + lane, to, scale);
    }
  }
}

/** sum[l] + w[2l] v[2l] + w[2l + 1] v[2l + 1]. In assembly, since GCC adds products to one another first and spills them all. */
static inline __m256i add_products(__m256i sum, __m256i w, __m256i v) {
  __m256i products;
  __asm__("vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(products) : "x"(w), "x"(v));
  return sum;
}

/** All 16 lanes: there are never fewer, since widths are multiples of 32. */
template <int MR, int64_t block> static inline void tile_int16(const Int16Rows & x, int64_t n_k, const int16_t * panel, const float * scale, float * y, int64_t ldy, int64_t, bool accumulate) {
  for (int64_t k = 0; k < n_k; k += block, scale += LANES_INT16, accumulate = true) {
    __m256i dot[MR][2];
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++) dot[i][0] = dot[i][1] = _mm256_setzero_si256();
    const int16_t *pair = x.values + k, *last = x.values + std::min(n_k, k + block);
    for (; pair < last; pair += 2, panel += 2 * LANES_INT16) {
      const __m256i w0 = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(panel)), w1 = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(panel + LANES_INT16));
#pragma GCC unroll 8
      for (int i = 0; i < MR; i++) {
        int32_t both;
        memcpy(&both, pair + i * x.stride, 4);
        const __m256i v = _mm256_set1_epi32(both);
        dot[i][0] = add_products(dot[i][0], w0, v);
        dot[i][1] = add_products(dot[i][1], w1, v);
      }
    }
    const __m256 d0 = _mm256_loadu_ps(scale), d1 = _mm256_loadu_ps(scale + 8);
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++) {
      float d;
      memcpy(&d, reinterpret_cast<const int16_t *>(x.scales + k / block) + i * x.stride, 4);
      const __m256 dx = _mm256_set1_ps(d);
      float * to = y + i * ldy;
      const __m256 before0 = accumulate ? _mm256_loadu_ps(to) : _mm256_setzero_ps(), before1 = accumulate ? _mm256_loadu_ps(to + 8) : _mm256_setzero_ps();
      _mm256_storeu_ps(to, _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[i][0]), _mm256_mul_ps(d0, dx), before0));
      _mm256_storeu_ps(to + 8, _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[i][1]), _mm256_mul_ps(d1, dx), before1));
    }
  }
}
