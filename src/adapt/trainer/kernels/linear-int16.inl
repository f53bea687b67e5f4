// Forward products with frozen weights where 8-bit activations will not do and the processor has VNNI but no BF16: activations in 16 bits
// in blocks of 32, weights as they are (Q8_0, Q4_0, IQ4_NL), or in 12 bits in blocks of 32 (other types). VPDPWSSD multiplies as many pairs as
// VDPBF16PS. A block's sum stays below 32 * 32767 * 2047 < 2^31.
// A row of activations: n values, then per block its scale (float).
// Panel of PANEL lanes: per block of 32 along the contraction 16 x PANEL units of 2 consecutive values, and one scale a lane.

#if defined(ASLS_VNNI) && !defined(ASLS_BF16)
constexpr int64_t K_BLOCK_INT16 = 1024;
constexpr int64_t BLOCK_VALUES_INT16 = 32 * PANEL;

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
static inline float round_to(float most, __m512 a, __m512 b, __m512i & q) {
  const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
  if (_mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) != 0) return NAN;
  const __m512 inverse = _mm512_set1_ps(top > 0 ? most / top : 0.0f);
  const __m256i qa = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(a, inverse)));
  const __m256i qb = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(b, inverse)));
  q = _mm512_inserti64x4(_mm512_castsi256_si512(qa), qb, 1);
  return top / most;
}

static void to_int16(const float * from, void * to, int64_t n_rows, int64_t n, int ith, int nth) {
  int64_t begin, end;
  share(n_rows, ith, nth, 1, begin, end);
  for (int64_t row = begin; row < end; row++) {
    auto * q = static_cast<int16_t *>(to) + row * int16_row_values(n);
    auto * scales = reinterpret_cast<float *>(q + n);
    for (int64_t b = 0; b < n / 32; b++) {
      const float * x = from + row * n + 32 * b;
      __m512i values = _mm512_setzero_si512();
      scales[b] = round_to(32767.0f, _mm512_loadu_ps(x), _mm512_loadu_ps(x + 16), values);
      _mm512_storeu_si512(q + 32 * b, values);
    }
  }
}

template <int type> static void pack_outputs_int16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt16 & s) {
  for (int64_t group = 0; group < PANEL; group += 16) {
    for (int64_t k = 0; k < n_k; k += 32) {
      alignas(64) uint32_t rows[16 * 16];
      for (int64_t lane = 0; lane < 16; lane++) {
        const int64_t row = lane0 + std::min(group + lane, lanes - 1); // lanes that do not exist repeat the last one; nobody reads their results
        float scale;
        __m512i values = _mm512_setzero_si512();
        if (type == any_type) {
          const float * f = dequantise(w, row, k0 + k, 32, s.rows);
          scale = round_to(2047.0f, _mm512_loadu_ps(f), _mm512_loadu_ps(f + 16), values);
        } else {
          values = _mm512_cvtepi8_epi16(block_values<type>(static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes + (k0 + k) / 32 * block_size_of<type>, scale));
        }
        _mm512_store_si512(rows + 16 * lane, values);
        s.scale[k / 32 * PANEL + group + lane] = scale;
      }
      transpose16(rows, 16, reinterpret_cast<uint32_t *>(s.panel + k / 32 * BLOCK_VALUES_INT16) + group, PANEL);
    }
  }
}

/** Rows of activations: values, scales of the first one, and the values from one row to the next. */
struct Int16Rows {
  const int16_t * values;
  const float * scales;
  int64_t stride;
};

template <int MR> static inline void tile_int16(const Int16Rows & x, int64_t n_blocks, const int16_t * panel, const float * scale, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  for (int64_t lane = 0; lane < lanes; lane += 32, panel += 64, scale += 32) {
    __m512 acc[MR][2];
    for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (int64_t b = 0; b < n_blocks; b++) {
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

static void multiply_panel_int16(Int16Rows x, int64_t n, int64_t n_blocks, const int16_t * panel, const float * scale, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  const auto next = [&](int64_t rows) {
    x.values += rows * x.stride;
    x.scales = reinterpret_cast<const float *>(reinterpret_cast<const int16_t *>(x.scales) + rows * x.stride);
    y += rows * ldy;
    n -= rows;
  };
  while (n >= 6) {
    tile_int16<6>(x, n_blocks, panel, scale, y, ldy, lanes, accumulate);
    next(6);
  }
  while (n >= 2) {
    tile_int16<2>(x, n_blocks, panel, scale, y, ldy, lanes, accumulate);
    next(2);
  }
  while (n >= 1) {
    tile_int16<1>(x, n_blocks, panel, scale, y, ldy, lanes, accumulate);
    next(1);
  }
}

template <int type> static void linear_int16_of(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  ScratchInt16 & s = scratch_int16();
  const auto * values = static_cast<const int16_t *>(x.data);
  const auto * scales = reinterpret_cast<const float *>(values + w.n_in);
  for (int64_t lane = from; lane < to; lane += PANEL) {
    const int64_t lanes = std::min(PANEL, to - lane);
    for (int64_t k = 0; k < w.n_in; k += K_BLOCK_INT16) {
      const int64_t n_k = std::min(K_BLOCK_INT16, w.n_in - k);
      pack_outputs_int16<type>(w, lane, lanes, k, n_k, s);
      const Int16Rows rows{values + k, scales + k / 32, int16_row_values(w.n_in)};
      multiply_panel_int16(rows, x.n_rows, n_k / 32, s.panel, s.scale, y + lane, w.n_out, lanes, accumulate || k > 0);
    }
  }
}

static void linear_int16(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  if (w.type == GGML_TYPE_Q8_0) linear_int16_of<GGML_TYPE_Q8_0>(w, x, y, accumulate, from, to);
  else if (w.type == GGML_TYPE_Q4_0) linear_int16_of<GGML_TYPE_Q4_0>(w, x, y, accumulate, from, to);
  else if (w.type == GGML_TYPE_IQ4_NL) linear_int16_of<GGML_TYPE_IQ4_NL>(w, x, y, accumulate, from, to);
  else linear_int16_of<any_type>(w, x, y, accumulate, from, to);
}
#endif
