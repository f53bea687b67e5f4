// Products in 16 bits with AVX2: see linear-int16.inl.

constexpr int64_t K_BLOCK_INT16 = 256; // a panel is 32 KB, all of a backward step 128 KB
constexpr int ROWS_INT16 = 6;

struct ScratchInt16 {
  int16_t panel[PANELS * PANEL * K_BLOCK_INT16];
  float scale[PANELS * PANEL * K_BLOCK_INT16 / 32];
  int16_t lanes[8 * K_BLOCK_INT16];
  float rows[32 * PANELS * PANEL]; // of a type that is no 8-bit one by itself
  float row[PANELS * PANEL + 512];
};
static_assert(K_BLOCK_INT16 <= PANELS * PANEL);
static ScratchInt16 & scratch_int16() {
  static thread_local std::unique_ptr<ScratchInt16> memory;
  if (!memory) memory = std::make_unique<ScratchInt16>();
  return *memory;
}

static inline __m256 size_of(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
static inline float largest_of(__m256 x) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
/** Two vectors of 8 floats as 16 integers. */
static inline __m256i to_integers(__m256 a, __m256 b) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b)), 0xd8);
}
static inline __m256i * vectors(void * p) { return static_cast<__m256i *>(p); }

/** 32 values as integers up to `most`. Returns the scale: NaN when a value is, so that a diverged run is seen. */
static inline float round_to(float most, const float * x, int16_t * q) {
  const __m256 a = _mm256_loadu_ps(x), b = _mm256_loadu_ps(x + 8), c = _mm256_loadu_ps(x + 16), d = _mm256_loadu_ps(x + 24);
  if (_mm256_movemask_ps(_mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_UNORD_Q), _mm256_cmp_ps(c, d, _CMP_UNORD_Q))) != 0) {
    memset(q, 0, 32 * sizeof(int16_t));
    return NAN;
  }
  const float top = largest_of(_mm256_max_ps(_mm256_max_ps(size_of(a), size_of(b)), _mm256_max_ps(size_of(c), size_of(d))));
  const __m256 inverse = _mm256_set1_ps(top > 0 ? most / top : 0.0f);
  _mm256_storeu_si256(vectors(q), to_integers(_mm256_mul_ps(a, inverse), _mm256_mul_ps(b, inverse)));
  _mm256_storeu_si256(vectors(q + 16), to_integers(_mm256_mul_ps(c, inverse), _mm256_mul_ps(d, inverse)));
  return top / most;
}

/** Panels of `lanes` rows from lane0. */
template <int type> static void pack_outputs_int16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt16 & s) {
  for (int64_t group = 0; group < lanes; group += 8) {
    for (int64_t lane = 0; lane < 8; lane++) {
      const int64_t row = lane0 + group + lane;
      const float * f = type == any_type ? dequantise(w, row, k0, n_k, s.row) : nullptr;
      const auto * block = static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes + k0 / 32 * block_size_of<type>;
      for (int64_t k = 0; k < n_k; k += 32, block += block_size_of<type>) {
        int16_t * values = s.lanes + lane * K_BLOCK_INT16 + k;
        float & scale = s.scale[k / 32 * PANEL + group + lane];
        if (type == any_type) {
          scale = round_to(2047.0f, f + k, values);
          continue;
        }
        const __m256i bytes = block_values<type>(block, scale);
        _mm256_storeu_si256(vectors(values), _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)));
        _mm256_storeu_si256(vectors(values + 16), _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1)));
      }
    }
    for (int64_t k = 0; k < n_k; k += 16) transpose8(reinterpret_cast<const uint32_t *>(s.lanes + k), K_BLOCK_INT16 / 2, reinterpret_cast<uint32_t *>(s.panel + k * PANEL) + group, PANEL);
  }
}

/** The 16 lanes of two rows as pairs. */
static inline void store_pairs(int16_t * to, __m256i first, __m256i second) {
  const __m256i low = _mm256_unpacklo_epi16(first, second), high = _mm256_unpackhi_epi16(first, second);
  _mm256_storeu_si256(vectors(to), _mm256_permute2x128_si256(low, high, 0x20));
  _mm256_storeu_si256(vectors(to + 16), _mm256_permute2x128_si256(low, high, 0x31));
}

/** A tile of 32 x 32, numbers of 8 bits: it gets the largest of its rows' scales, and its values are multiplied by the others' ratio to that one. */
template <int type> static void pack_tile_int16(const WeightView & w, int64_t row0, int64_t lane0, int16_t * panel, float * scale) {
  alignas(32) float scales[32];
  __m256i values[32];
  for (int64_t i = 0; i < 32; i++) {
    const auto * block = static_cast<const uint8_t *>(w.data) + size_t(row0 + i) * w.row_bytes + lane0 / 32 * block_size_of<type>;
    values[i] = block_values<type>(block, scales[i]);
  }
  float top = 0;
  for (const float d : scales) top = std::max(top, std::abs(d));
  const float inverse = top > 0 ? 32767.0f / top : 0.0f;
  for (int64_t i = 0; i < 32; i += 2, panel += PANEL * 2) {
    // 12 bits: value * 16 * ratio, rounded
    const __m256i first = _mm256_set1_epi16(int16_t(std::lrint(scales[i] * inverse))), second = _mm256_set1_epi16(int16_t(std::lrint(scales[i + 1] * inverse)));
    const auto brought = [](__m128i bytes, __m256i ratio) { return _mm256_mulhrs_epi16(_mm256_slli_epi16(_mm256_cvtepi8_epi16(bytes), 4), ratio); };
    store_pairs(panel, brought(_mm256_castsi256_si128(values[i]), first), brought(_mm256_castsi256_si128(values[i + 1]), second));
    store_pairs(panel + 32, brought(_mm256_extracti128_si256(values[i], 1), first), brought(_mm256_extracti128_si256(values[i + 1], 1), second));
  }
  for (int64_t lane = 0; lane < 32; lane += 8) _mm256_storeu_ps(scale + lane, _mm256_set1_ps(top / 16));
}

/** The same of 32 rows of 16 floats: every lane has a scale of its own. */
static void pack_lanes_int16(const float * rows, int64_t ld, int16_t * panel, float * scale) {
  __m256 top0 = _mm256_setzero_ps(), top1 = top0, bad = top0;
  for (int64_t i = 0; i < 32; i++) {
    const __m256 a = _mm256_loadu_ps(rows + i * ld), b = _mm256_loadu_ps(rows + i * ld + 8);
    top0 = _mm256_max_ps(top0, size_of(a));
    top1 = _mm256_max_ps(top1, size_of(b));
    bad = _mm256_or_ps(bad, _mm256_cmp_ps(a, b, _CMP_UNORD_Q));
  }
  const __m256 most = _mm256_set1_ps(2047.0f);
  // of a column of zeros the inverse is 0, not infinite
  const __m256 inverse0 = _mm256_and_ps(_mm256_div_ps(most, top0), _mm256_cmp_ps(top0, _mm256_setzero_ps(), _CMP_GT_OQ));
  const __m256 inverse1 = _mm256_and_ps(_mm256_div_ps(most, top1), _mm256_cmp_ps(top1, _mm256_setzero_ps(), _CMP_GT_OQ));
  const auto rounded = [&](int64_t i) { return to_integers(_mm256_mul_ps(_mm256_loadu_ps(rows + i * ld), inverse0), _mm256_mul_ps(_mm256_loadu_ps(rows + i * ld + 8), inverse1)); };
  for (int64_t i = 0; i < 32; i += 2, panel += PANEL * 2) store_pairs(panel, rounded(i), rounded(i + 1));
  const __m256 unit = _mm256_set1_ps(_mm256_movemask_ps(bad) != 0 ? NAN : 1 / 2047.0f);
  _mm256_storeu_ps(scale, _mm256_mul_ps(top0, unit));
  _mm256_storeu_ps(scale + 8, _mm256_mul_ps(top1, unit));
}

template <int type> static void pack_inputs_int16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt16 & s) {
  constexpr int64_t widest = PANELS * PANEL, width = type == any_type ? 16 : 32;
  for (int64_t k = 0; k < n_k; k += 32) {
    if (type == any_type) {
      for (int64_t i = 0; i < 32; i++) memcpy(s.rows + i * widest, dequantise(w, k0 + k + i, lane0, lanes, s.row), size_t(lanes) * sizeof(float));
    }
    for (int64_t lane = 0; lane < lanes; lane += width) {
      const int64_t panel = lane / PANEL, within = lane % PANEL;
      int16_t * to = s.panel + panel * (PANEL * K_BLOCK_INT16) + k / 32 * BLOCK_VALUES_INT16 + within * 2;
      float * scale = s.scale + panel * (PANEL * K_BLOCK_INT16 / 32) + k / 32 * PANEL + within;
      if constexpr (type == any_type) pack_lanes_int16(s.rows + lane, widest, to, scale);
      else pack_tile_int16<type>(w, k0 + k, lane0 + lane, to, scale);
    }
  }
}

/** sum += w[2l] v[2l] + w[2l + 1] v[2l + 1] in every lane l. GCC would add products to one another first, and spill them all. */
static inline void add_products(__m256i & sum, __m256i w, __m256i v) {
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w, v));
  __asm__("" : "+x"(sum));
}

template <int MR> static inline void tile_int16(const Int16Rows & x, int64_t n_blocks, const int16_t * panel, const float * scale, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  for (int64_t lane = 0; lane < lanes; lane += 16, panel += 32, scale += 16) {
    __m256 acc[MR][2];
    for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = _mm256_setzero_ps();
    for (int64_t b = 0; b < n_blocks; b++) {
      __m256i dot[MR][2];
      for (int i = 0; i < MR; i++) dot[i][0] = dot[i][1] = _mm256_setzero_si256();
#pragma GCC unroll 2
      for (int unit = 0; unit < 16; unit++) {
        const auto * w = reinterpret_cast<const __m256i *>(panel + b * BLOCK_VALUES_INT16 + unit * PANEL * 2);
        const __m256i w0 = _mm256_loadu_si256(w), w1 = _mm256_loadu_si256(w + 1);
        for (int i = 0; i < MR; i++) {
          int32_t pair;
          memcpy(&pair, x.values + i * x.stride + 32 * b + 2 * unit, 4);
          const __m256i v = _mm256_set1_epi32(pair);
          add_products(dot[i][0], w0, v);
          add_products(dot[i][1], w1, v);
        }
      }
      const __m256 d0 = _mm256_loadu_ps(scale + b * PANEL), d1 = _mm256_loadu_ps(scale + b * PANEL + 8);
      for (int i = 0; i < MR; i++) {
        float d;
        memcpy(&d, reinterpret_cast<const int16_t *>(x.scales + b) + i * x.stride, 4);
        const __m256 dx = _mm256_set1_ps(d);
        acc[i][0] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[i][0]), _mm256_mul_ps(d0, dx), acc[i][0]);
        acc[i][1] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[i][1]), _mm256_mul_ps(d1, dx), acc[i][1]);
      }
    }
    for (int i = 0; i < MR; i++) {
      for (int j = 0; j < 2; j++) {
        float * to = y + i * ldy + lane + 8 * j;
        _mm256_storeu_ps(to, accumulate ? _mm256_add_ps(acc[i][j], _mm256_loadu_ps(to)) : acc[i][j]);
      }
    }
  }
}
