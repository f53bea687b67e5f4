// Products in 16 bits with AVX-512 VNNI, forward only (backward has 8 bits here): see linear-int16.inl. Activations have 16 bits in blocks of 32,
// weights are as they are (Q8_0, Q4_0, IQ4_NL) or have 12 bits. The sum of a block stays below 32 * 32767 * 2048 < 2^31.

constexpr bool INT16_BACKWARD = false;
constexpr int64_t BLOCK_INT16 = 32;
constexpr float MOST_INT16 = 32767;
constexpr int64_t LANES_INT16 = PANEL;
constexpr int64_t K_BLOCK_INT16 = 1024;
constexpr int64_t BLOCK_VALUES_INT16 = 32 * LANES_INT16;
constexpr int ROWS_INT16 = 6;

struct ScratchInt16 {
  int16_t panel[PANEL * K_BLOCK_INT16];
  float scale[PANEL * K_BLOCK_INT16 / 32];
  float rows[16 * 32 + 512]; // of a type that is no 8-bit one by itself
};
static ScratchInt16 & scratch_int16() {
  static thread_local std::unique_ptr<ScratchInt16> memory;
  if (!memory) memory = std::make_unique<ScratchInt16>();
  return *memory;
}

/** 32 values as integers up to `most`. Returns the scale: NaN when a value is, so that a diverged run is seen. */
static inline float round_to(float most, const float * x, int16_t * q, int64_t) {
  const __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
  const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
  if (_mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) != 0) {
    _mm512_storeu_si512(q, _mm512_setzero_si512());
    return NAN;
  }
  const __m512 inverse = _mm512_set1_ps(top > 0 ? most / top : 0.0f);
  const __m256i qa = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(a, inverse)));
  const __m256i qb = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(b, inverse)));
  _mm512_storeu_si512(q, _mm512_inserti64x4(_mm512_castsi256_si512(qa), qb, 1));
  return top / most;
}

template <int64_t, int type> static void pack_outputs_int16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt16 & s) {
  for (int64_t group = 0; group < PANEL; group += 16) {
    for (int64_t k = 0; k < n_k; k += 32) {
      alignas(64) uint32_t rows[16 * 16];
      for (int64_t lane = 0; lane < 16; lane++) {
        const int64_t row = lane0 + std::min(group + lane, lanes - 1); // lanes that do not exist repeat the last one; nobody reads their results
        float scale;
        if (type == any_type) {
          const float * f = dequantise(w, row, k0 + k, 32, s.rows);
          scale = round_to(2047.0f, f, reinterpret_cast<int16_t *>(rows + 16 * lane), 32);
        } else {
          const __m256i values = block_values<type>(static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes + (k0 + k) / 32 * block_size_of<type>, scale);
          _mm512_store_si512(rows + 16 * lane, _mm512_cvtepi8_epi16(values));
        }
        s.scale[k / 32 * PANEL + group + lane] = scale;
      }
      transpose16(rows, 16, reinterpret_cast<uint32_t *>(s.panel + k / 32 * BLOCK_VALUES_INT16) + group, PANEL);
    }
  }
}

template <int MR, int64_t> static inline void tile_int16(const Int16Rows & x, int64_t n_k, const int16_t * panel, const float * scale, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  for (int64_t lane = 0; lane < lanes; lane += 32, panel += 64, scale += 32) {
    __m512 acc[MR][2];
    for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (int64_t b = 0; b < n_k / 32; b++) {
      __m512i dot[MR][2];
      for (int i = 0; i < MR; i++) dot[i][0] = dot[i][1] = _mm512_setzero_si512();
#pragma GCC unroll 16
      for (int unit = 0; unit < 16; unit++) {
        const __m512i w0 = _mm512_loadu_si512(panel + b * BLOCK_VALUES_INT16 + unit * PANEL * 2), w1 = _mm512_loadu_si512(panel + b * BLOCK_VALUES_INT16 + unit * PANEL * 2 + 32);
        for (int i = 0; i < MR; i++) {
          int32_t pair;
          memcpy(&pair, x.values + i * x.stride + 32 * b + 2 * unit, 4);
          const __m512i v = _mm512_set1_epi32(pair);
          dot[i][0] = _mm512_dpwssd_epi32(dot[i][0], w0, v);
          dot[i][1] = _mm512_dpwssd_epi32(dot[i][1], w1, v);
        }
      }
      const __m512 d0 = _mm512_loadu_ps(scale + b * PANEL), d1 = _mm512_loadu_ps(scale + b * PANEL + 16);
      for (int i = 0; i < MR; i++) {
        float d;
        memcpy(&d, reinterpret_cast<const int16_t *>(x.scales + b) + i * x.stride, 4);
        const __m512 dx = _mm512_set1_ps(d);
        acc[i][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][0]), _mm512_mul_ps(d0, dx), acc[i][0]);
        acc[i][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][1]), _mm512_mul_ps(d1, dx), acc[i][1]);
      }
    }
    for (int i = 0; i < MR; i++) {
      for (int j = 0; j < 2; j++) store_lanes(y + i * ldy + lane + 16 * j, acc[i][j], lanes - lane - 16 * j, accumulate);
    }
  }
}
