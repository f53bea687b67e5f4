// Products with frozen weights in 8 bits (AVX-512 VNNI): the forward pass rounds activations as inference does, to 8 bits in blocks of 32.
// A row of activations: n values, then per block its scale (float) and -128 times the sum of its values (int32), because VPDPBUSD
// multiplies unsigned with signed bytes and the weights in the panel are stored 128 higher.
// Panel of PANEL lanes: per block of 32 along the contraction 8 x PANEL units of 4 consecutive bytes, and one scale a lane.

#ifdef ASLS_VNNI
constexpr int64_t K_BLOCK_INT8 = 1024;
constexpr int64_t BLOCK_BYTES = 32 * PANEL;

struct ScratchInt8 {
  uint8_t panel[PANELS * PANEL * K_BLOCK_INT8];
  float scale[PANELS * PANEL * K_BLOCK_INT8 / 32];
  uint8_t rows[16 * K_BLOCK_INT8]; // of a type that is no 8-bit one by itself: 16 rows of K_BLOCK_INT8, or 32 of all panels
  float row_scale[16 * K_BLOCK_INT8 / 32];
  float row[K_BLOCK_INT8 + 512];
};
static_assert(32 * PANELS * PANEL <= 16 * K_BLOCK_INT8);
static ScratchInt8 & scratch_int8() {
  static thread_local std::unique_ptr<ScratchInt8> memory;
  if (!memory) memory = std::make_unique<ScratchInt8>();
  return *memory;
}

/** 32 values to 8 bits. Returns the scale: NaN when a value is, so that a diverged run is seen. */
static inline float round_block(__m512 a, __m512 b, __m512i & qa, __m512i & qb) {
  const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
  if (_mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) != 0) return NAN;
  const __m512 inverse = _mm512_set1_ps(top > 0 ? 127.0f / top : 0.0f);
  qa = _mm512_cvtps_epi32(_mm512_mul_ps(a, inverse));
  qb = _mm512_cvtps_epi32(_mm512_mul_ps(b, inverse));
  return top / 127.0f;
}

/** @tparam as_ggml scales are rounded to 16 bits, as ggml's quantize_row_q8_0 does: the same integers as in its products. */
template <bool as_ggml> static void to_int8(const float * from, void * to, int64_t n_rows, int64_t n, int ith, int nth) {
  int64_t begin, end;
  share(n_rows, ith, nth, 1, begin, end);
  const int64_t n_blocks = n / 32;
  for (int64_t row = begin; row < end; row++) {
    auto * q = static_cast<int8_t *>(to) + row * int8_row_bytes(n);
    auto * scales = reinterpret_cast<float *>(q + n);
    auto * sums = reinterpret_cast<int32_t *>(scales + n_blocks);
    for (int64_t b = 0; b < n_blocks; b++) {
      const float * x = from + row * n + 32 * b;
      __m512i qa = _mm512_setzero_si512(), qb = qa;
      const float scale = round_block(_mm512_loadu_ps(x), _mm512_loadu_ps(x + 16), qa, qb);
      scales[b] = as_ggml ? _cvtsh_ss(_cvtss_sh(scale, _MM_FROUND_TO_NEAREST_INT)) : scale;
      _mm_storeu_si128(reinterpret_cast<__m128i *>(q + 32 * b), _mm512_cvtepi32_epi8(qa));
      _mm_storeu_si128(reinterpret_cast<__m128i *>(q + 32 * b + 16), _mm512_cvtepi32_epi8(qb));
      sums[b] = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(qa, qb));
    }
  }
}

/** Columns [from, from + count) of a row of any type as signed bytes and their scales. */
static void round_row(const WeightView & w, int64_t row, int64_t from, int64_t count, float * buffer, uint8_t * values, float * scales) {
  const float * f = dequantise(w, row, from, count, buffer);
  for (int64_t k = 0; k < count; k += 32) {
    __m512i a = _mm512_setzero_si512(), b = a;
    scales[k / 32] = round_block(_mm512_loadu_ps(f + k), _mm512_loadu_ps(f + k + 16), a, b);
    _mm_storeu_si128(reinterpret_cast<__m128i *>(values + k), _mm512_cvtepi32_epi8(a));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(values + k + 16), _mm512_cvtepi32_epi8(b));
  }
}

template <int type> static void pack_outputs_int8(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt8 & s) {
  const __m512i offset = _mm512_set1_epi8(char(0x80));
  for (int64_t group = 0; group < PANEL; group += 16) {
    if (type == any_type) {
      for (int64_t lane = 0; lane < 16; lane++) {
        round_row(w, lane0 + std::min(group + lane, lanes - 1), k0, n_k, s.row, s.rows + lane * K_BLOCK_INT8, s.row_scale + lane * (K_BLOCK_INT8 / 32));
      }
    }
    for (int64_t k = 0; k < n_k; k += 64) {
      const bool both = k + 64 <= n_k;
      alignas(64) uint32_t rows[16 * 16], columns[16 * 16];
      for (int64_t lane = 0; lane < 16; lane++) {
        for (int64_t b = 0; b < (both ? 2 : 1); b++) {
          const int64_t k_block = k / 32 + b;
          float scale;
          __m256i values;
          if (type == any_type) {
            values = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(s.rows + lane * K_BLOCK_INT8 + 32 * k_block));
            scale = s.row_scale[lane * (K_BLOCK_INT8 / 32) + k_block];
          } else { // lanes that do not exist repeat the last one; nobody reads their results
            const int64_t row = lane0 + std::min(group + lane, lanes - 1);
            values = block_values<type>(static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes + (k0 / 32 + k_block) * block_size_of<type>, scale);
          }
          _mm256_store_si256(reinterpret_cast<__m256i *>(rows + 16 * lane + 8 * b), values);
          s.scale[k_block * PANEL + group + lane] = scale;
        }
        if (!both) _mm256_store_si256(reinterpret_cast<__m256i *>(rows + 16 * lane + 8), _mm256_setzero_si256());
      }
      transpose16(rows, 16, columns, 16);
      uint8_t * to = s.panel + k / 32 * BLOCK_BYTES + group * 4;
      for (int64_t unit = 0; unit < (both ? 16 : 8); unit++) {
        _mm512_storeu_si512(to + unit * PANEL * 4, _mm512_xor_si512(offset, _mm512_load_si512(columns + 16 * unit)));
      }
    }
  }
}

/**
 * Panels of `lanes` columns from lane0, one behind the other. Along the contraction every weight has another scale: a tile of 32 x 32 gets
 * the largest of its scales, and its values are multiplied by the others' ratio to that one, in 15 bits, rounded.
 */
template <int type> static void pack_inputs_int8(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt8 & s) {
  constexpr int64_t widest = PANEL * PANELS;
  const __m512i offset = _mm512_set1_epi8(char(0x80)), low_byte = _mm512_set1_epi16(0xff), most = _mm512_set1_epi16(127);
  // the two halves of units that unpacking leaves, in the order of the lanes
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i second = _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  for (int64_t k = 0; k < n_k; k += 32) {
    if (type == any_type) {
      for (int64_t i = 0; i < 32; i++) round_row(w, k0 + k + i, lane0, lanes, s.row, s.rows + i * widest, s.row_scale + i * (widest / 32));
    }
    for (int64_t lane = 0; lane < lanes; lane += 32) {
      alignas(64) float scales[32];
      __m256i values[32];
      for (int64_t i = 0; i < 32; i++) {
        if (type == any_type) {
          values[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(s.rows + i * widest + lane));
          scales[i] = s.row_scale[i * (widest / 32) + lane / 32];
        } else {
          const auto * block = static_cast<const uint8_t *>(w.data) + size_t(k0 + k + i) * w.row_bytes + (lane0 + lane) / 32 * block_size_of<type>;
          values[i] = block_values<type>(block, scales[i]);
          if (k + 32 < n_k) _mm_prefetch(block + 32 * w.row_bytes, _MM_HINT_T0); // rows are too far apart for the processor's own
        }
      }
      const __m512 first_scales = _mm512_load_ps(scales), last_scales = _mm512_load_ps(scales + 16);
      const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(first_scales), _mm512_abs_ps(last_scales)));
      const __m512 inverse = _mm512_set1_ps(top > 0 ? 32767.0f / top : 0.0f);
      alignas(64) int16_t ratios[32];
      _mm256_store_si256(reinterpret_cast<__m256i *>(ratios), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(first_scales, inverse))));
      _mm256_store_si256(reinterpret_cast<__m256i *>(ratios + 16), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(last_scales, inverse))));
      uint8_t * panel = s.panel + lane / PANEL * PANEL * K_BLOCK_INT8 + k / 32 * BLOCK_BYTES + lane % PANEL * 4;
      for (int64_t unit = 0; unit < 8; unit++, panel += PANEL * 4) {
        __m512i v[4];
        for (int i = 0; i < 4; i++) {
          v[i] = _mm512_min_epi16(most, _mm512_mulhrs_epi16(_mm512_cvtepi8_epi16(values[4 * unit + i]), _mm512_set1_epi16(ratios[4 * unit + i])));
        }
        const __m512i even = _mm512_or_si512(_mm512_and_si512(v[0], low_byte), _mm512_slli_epi16(v[1], 8));
        const __m512i odd = _mm512_or_si512(_mm512_and_si512(v[2], low_byte), _mm512_slli_epi16(v[3], 8));
        const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);
        _mm512_storeu_si512(panel, _mm512_xor_si512(offset, _mm512_permutex2var_epi32(low, first, high)));
        _mm512_storeu_si512(panel + 64, _mm512_xor_si512(offset, _mm512_permutex2var_epi32(low, second, high)));
      }
      const __m512 scale = _mm512_set1_ps(top);
      float * to = s.scale + lane / PANEL * (PANEL * K_BLOCK_INT8 / 32) + k / 32 * PANEL + lane % PANEL;
      _mm512_storeu_ps(to, scale);
      _mm512_storeu_ps(to + 16, scale);
    }
  }
}

/** Rows of activations: values, scales and sums of the first one, and the bytes from one row to the next. */
struct Int8Rows {
  const int8_t * values;
  const float * scales;
  const int32_t * sums;
  int64_t stride;
};

template <int MR> static inline void tile_int8(const Int8Rows & x, int64_t n_blocks, const uint8_t * panel, const float * scale, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  for (int64_t lane = 0; lane < lanes; lane += 32, panel += 128, scale += 32) {
    __m512 acc[MR][2];
    for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (int64_t b = 0; b < n_blocks; b++) {
      __m512i dot[MR][2];
      for (int i = 0; i < MR; i++) {
        int32_t sum;
        memcpy(&sum, reinterpret_cast<const int8_t *>(x.sums + b) + i * x.stride, 4);
        dot[i][0] = dot[i][1] = _mm512_set1_epi32(sum);
      }
#pragma GCC unroll 8
      for (int unit = 0; unit < 8; unit++) {
        const __m512i w0 = _mm512_loadu_si512(panel + b * BLOCK_BYTES + unit * PANEL * 4), w1 = _mm512_loadu_si512(panel + b * BLOCK_BYTES + unit * PANEL * 4 + 64);
        for (int i = 0; i < MR; i++) {
          int32_t four;
          memcpy(&four, x.values + i * x.stride + 32 * b + 4 * unit, 4);
          const __m512i v = _mm512_set1_epi32(four);
          dot[i][0] = _mm512_dpbusd_epi32(dot[i][0], w0, v);
          dot[i][1] = _mm512_dpbusd_epi32(dot[i][1], w1, v);
        }
      }
      const __m512 d0 = _mm512_loadu_ps(scale + b * PANEL), d1 = _mm512_loadu_ps(scale + b * PANEL + 16);
      for (int i = 0; i < MR; i++) {
        float d;
        memcpy(&d, reinterpret_cast<const int8_t *>(x.scales + b) + i * x.stride, 4);
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

static void multiply_panel_int8(Int8Rows x, int64_t n, int64_t n_blocks, const uint8_t * panel, const float * scale, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  const auto next = [&](int64_t rows) {
    x.values += rows * x.stride;
    x.scales = reinterpret_cast<const float *>(reinterpret_cast<const int8_t *>(x.scales) + rows * x.stride);
    x.sums = reinterpret_cast<const int32_t *>(reinterpret_cast<const int8_t *>(x.sums) + rows * x.stride);
    y += rows * ldy;
    n -= rows;
  };
  while (n >= 6) {
    tile_int8<6>(x, n_blocks, panel, scale, y, ldy, lanes, accumulate);
    next(6);
  }
  while (n >= 4) {
    tile_int8<4>(x, n_blocks, panel, scale, y, ldy, lanes, accumulate);
    next(4);
  }
  while (n >= 2) {
    tile_int8<2>(x, n_blocks, panel, scale, y, ldy, lanes, accumulate);
    next(2);
  }
  while (n >= 1) {
    tile_int8<1>(x, n_blocks, panel, scale, y, ldy, lanes, accumulate);
    next(1);
  }
}

template <bool outputs, int type> static void linear_int8_of(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  const int64_t n_lanes = outputs ? w.n_out : w.n_in, n_contract = outputs ? w.n_in : w.n_out, step = outputs ? PANEL : PANELS * PANEL;
  ScratchInt8 & s = scratch_int8();
  const auto * values = static_cast<const int8_t *>(x.data);
  const auto * scales = reinterpret_cast<const float *>(values + n_contract);
  const auto * sums = reinterpret_cast<const int32_t *>(scales + n_contract / 32);
  for (int64_t lane = from; lane < to;) {
    const int64_t lanes = std::min(to, lane / step * step + step) - lane;
    for (int64_t k = 0; k < n_contract; k += K_BLOCK_INT8) {
      const int64_t n_k = std::min(K_BLOCK_INT8, n_contract - k);
      if (outputs) pack_outputs_int8<type>(w, lane, lanes, k, n_k, s);
      else pack_inputs_int8<type>(w, lane, lanes, k, n_k, s);
      const Int8Rows rows{values + k, scales + k / 32, sums + k / 32, int8_row_bytes(n_contract)};
      for (int64_t part = 0; part < lanes; part += PANEL) {
        multiply_panel_int8(rows, x.n_rows, n_k / 32, s.panel + part * K_BLOCK_INT8, s.scale + part * (K_BLOCK_INT8 / 32), y + lane + part, n_lanes, std::min(PANEL, lanes - part), accumulate || k > 0);
      }
    }
    lane += lanes;
  }
}

template <bool outputs> static void linear_int8(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  if (w.type == GGML_TYPE_Q8_0) linear_int8_of<outputs, GGML_TYPE_Q8_0>(w, x, y, accumulate, from, to);
  else if (w.type == GGML_TYPE_Q4_0) linear_int8_of<outputs, GGML_TYPE_Q4_0>(w, x, y, accumulate, from, to);
  else if (w.type == GGML_TYPE_IQ4_NL) linear_int8_of<outputs, GGML_TYPE_IQ4_NL>(w, x, y, accumulate, from, to);
  else linear_int8_of<outputs, any_type>(w, x, y, accumulate, from, to);
}
#endif
