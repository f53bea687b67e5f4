// Products with frozen weights. A panel of PANEL output lanes is dequantised once per block of the contraction and used for every token.
// BF16 lane layout: pairs of consecutive k in one 32-bit unit, as VDPBF16PS wants them.

constexpr int64_t PANEL = WIDE * VL;
constexpr int64_t K_BLOCK = 768; // BF16: panel of 64 lanes x 768 in BF16: 96 KiB, stays in L2

constexpr int64_t K_BLOCK_F32 = 128; // short sums, added up: as accurate as ggml's own, which the comparison with llama.cpp needs

// No alignment is asked for: it lives on the heap, and every access is an unaligned one.
struct Scratch {
  float panel[PANEL * K_BLOCK_F32];
  float row[K_BLOCK_F32 + 512];
};
static Scratch & scratch() {
  static thread_local std::unique_ptr<Scratch> memory;
  if (!memory) memory = std::make_unique<Scratch>();
  return *memory;
}

/** Columns [from, from + count) of a row as F32; returns a pointer into `buffer` or into the weights themselves. */
static inline const float * dequantise(const WeightView & w, int64_t row, int64_t from, int64_t count, float * buffer) {
  const auto * bytes = static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes;
  if (w.type == GGML_TYPE_F32) return reinterpret_cast<const float *>(bytes) + from;
  const ggml_type_traits * traits = ggml_get_type_traits(ggml_type(w.type));
  const int64_t block = traits->blck_size, first = from / block * block, last = (from + count + block - 1) / block * block;
  traits->to_float(bytes + size_t(first / block) * traits->type_size, buffer, last - first);
  return buffer + (from - first);
}

/** panel[k][lane] = w[lane0 + lane][k0 + k]. */
static void pack_outputs(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, Scratch & s) {
  for (int64_t lane = 0; lane < PANEL; lane++) {
    if (lane >= lanes) {
      for (int64_t k = 0; k < n_k; k++) s.panel[k * PANEL + lane] = 0;
      continue;
    }
    const float * row = dequantise(w, lane0 + lane, k0, n_k, s.row);
    for (int64_t k = 0; k < n_k; k++) s.panel[k * PANEL + lane] = row[k];
  }
}

/** panel[k][lane] = w[k0 + k][lane0 + lane]. */
static void pack_inputs(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, Scratch & s) {
  for (int64_t k = 0; k < n_k; k++) {
    const float * row = dequantise(w, k0 + k, lane0, lanes, s.row);
    memcpy(s.panel + k * PANEL, row, size_t(lanes) * sizeof(float));
    for (int64_t lane = lanes; lane < PANEL; lane++) s.panel[k * PANEL + lane] = 0;
  }
}

/** y[t][lane] (+)= sum_k x[t][k] panel[k][lane] for all tokens. */
static void multiply_panel(const float * x, int64_t ldx, int64_t n, int64_t n_k, const float * panel, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  sgemm(n, lanes, n_k, x, ldx, 1, panel, PANEL, y, ldy, 1.0f, accumulate);
}

#ifdef ASLS_BF16
static inline __m512i pairs_of(const float * a, const float * b) { // bf16(a) low, bf16(b) high
  const __m256i lo = (__m256i) _mm512_cvtneps_pbh(_mm512_loadu_ps(a)), hi = (__m256i) _mm512_cvtneps_pbh(_mm512_loadu_ps(b));
  return _mm512_or_si512(_mm512_cvtepu16_epi32(lo), _mm512_slli_epi32(_mm512_cvtepu16_epi32(hi), 16));
}

/** Columns [from, from + count) of a row as BF16 pairs; count is even, the buffers have room for a whole block more. */
static inline void dequantise_bf16(const WeightView & w, int64_t row, int64_t from, int64_t count, float * buffer, uint32_t * out) {
  if (w.type == GGML_TYPE_Q8_0 && from % 32 == 0 && count % 32 == 0) {
    const auto * block = static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes + size_t(from / 32) * 34;
    for (int64_t k = 0; k < count; k += 32, block += 34) {
      uint16_t half;
      memcpy(&half, block, 2);
      const __m512 d = _mm512_set1_ps(_cvtsh_ss(half));
      const __m512 a = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 2)))));
      const __m512 b = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 18)))));
      _mm512_storeu_si512(out + k / 2, (__m512i) _mm512_cvtne2ps_pbh(b, a));
    }
    return;
  }
  const float * f = dequantise(w, row, from, count, buffer);
  int64_t k = 0;
  for (; k + 32 <= count; k += 32) _mm512_storeu_si512(out + k / 2, (__m512i) _mm512_cvtne2ps_pbh(_mm512_loadu_ps(f + k + 16), _mm512_loadu_ps(f + k)));
  for (; k < count; k += 2) {
    const __m256i pair = (__m256i) _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(k + 1 < count ? 3 : 1, f + k));
    out[k / 2] = uint32_t(_mm256_extract_epi32(pair, 0));
  }
}

/** 16 x 16 transposition of 32-bit units. */
static inline void transpose16(const uint32_t * from, int64_t ld_from, uint32_t * to, int64_t ld_to) {
  __m512i r[16], t[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(from + i * ld_from);
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    _mm512_storeu_si512(to + i * ld_to, _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88));
    _mm512_storeu_si512(to + (i + 8) * ld_to, _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd));
    _mm512_storeu_si512(to + (i + 4) * ld_to, _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88));
    _mm512_storeu_si512(to + (i + 12) * ld_to, _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd));
  }
}

constexpr int64_t PANELS = 4; // backward: as wide as a K-quant block; 384 KiB in L2

struct ScratchBf16 {
  uint32_t panel[PANELS * PANEL * K_BLOCK / 2];
  uint32_t rows[16 * (K_BLOCK / 2 + 16)];
  float row[K_BLOCK + 512];
};
static ScratchBf16 & scratch_bf16() {
  static thread_local std::unique_ptr<ScratchBf16> memory;
  if (!memory) memory = std::make_unique<ScratchBf16>();
  return *memory;
}

static void pack_outputs_bf16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchBf16 & s) {
  constexpr int64_t ld = K_BLOCK / 2 + 16; // not a power of two: 16 rows would share cache sets
  const int64_t n_pairs = (n_k + 1) / 2;
  for (int64_t group = 0; group < PANEL; group += 16) {
    for (int64_t lane = 0; lane < 16; lane++) {
      if (group + lane < lanes) dequantise_bf16(w, lane0 + group + lane, k0, n_k, s.row, s.rows + lane * ld);
      else memset(s.rows + lane * ld, 0, size_t(n_pairs) * 4);
    }
    int64_t k = 0;
    for (; k + 16 <= n_pairs; k += 16) transpose16(s.rows + k, ld, s.panel + k * PANEL + group, PANEL);
    for (; k < n_pairs; k++) {
      for (int64_t lane = 0; lane < 16; lane++) s.panel[k * PANEL + group + lane] = s.rows[lane * ld + k];
    }
  }
}

/** 64 lanes of a Q8_0 row, starting at a block. */
static inline void load_q8_0(const WeightView & w, int64_t row, int64_t lane0, __m512 out[4]) {
  const auto * block = static_cast<const uint8_t *>(w.data) + size_t(row) * w.row_bytes + size_t(lane0 / 32) * 34;
  for (int half_panel = 0; half_panel < 2; half_panel++, block += 34) {
    uint16_t scale;
    memcpy(&scale, block, 2);
    const __m512 d = _mm512_set1_ps(_cvtsh_ss(scale));
    out[2 * half_panel] = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 2)))));
    out[2 * half_panel + 1] = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 18)))));
  }
}

/** Panels of `lanes` columns from lane0, one behind the other: a row is dequantised once for all of them. */
static void pack_inputs_bf16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchBf16 & s) {
  constexpr int64_t widest = PANEL * PANELS;
  alignas(64) float a[widest + 512] = {}, b[widest + 512] = {}, even_tail[PANEL] = {}, odd_tail[PANEL] = {};
  for (int64_t k = 0; k < n_k; k += 2) {
    const bool has_odd = k + 1 < n_k;
    uint32_t * to = s.panel + k / 2 * PANEL;
    if (w.type == GGML_TYPE_Q8_0 && has_odd && lanes % PANEL == 0) {
      for (int64_t lane = 0; lane < lanes; lane += PANEL, to += PANEL * K_BLOCK / 2) {
        __m512 even[4], odd[4];
        load_q8_0(w, k0 + k, lane0 + lane, even);
        load_q8_0(w, k0 + k + 1, lane0 + lane, odd);
        for (int j = 0; j < 4; j++) {
          const __m512i low = _mm512_cvtepu16_epi32((__m256i) _mm512_cvtneps_pbh(even[j])), high = _mm512_cvtepu16_epi32((__m256i) _mm512_cvtneps_pbh(odd[j]));
          _mm512_storeu_si512(to + 16 * j, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
        }
      }
      continue;
    }
    const float * even = dequantise(w, k0 + k, lane0, lanes, a);
    const float * odd = has_odd ? dequantise(w, k0 + k + 1, lane0, lanes, b) : nullptr;
    for (int64_t lane = 0; lane < lanes; lane += PANEL, to += PANEL * K_BLOCK / 2) {
      const bool whole = lane + PANEL <= lanes && has_odd;
      if (!whole) {
        memset(odd_tail, 0, sizeof odd_tail);
        memset(even_tail, 0, sizeof even_tail);
        memcpy(even_tail, even + lane, size_t(std::min(PANEL, lanes - lane)) * sizeof(float));
        if (has_odd) memcpy(odd_tail, odd + lane, size_t(std::min(PANEL, lanes - lane)) * sizeof(float));
      }
      for (int64_t i = 0; i < PANEL; i += 16) _mm512_storeu_si512(to + i, pairs_of(whole ? even + lane + i : even_tail + i, whole ? odd + lane + i : odd_tail + i));
    }
  }
}

template <int MR> static inline void tile_bf16(const uint16_t * x, int64_t ldx, int64_t n_pairs, const uint32_t * panel, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  __m512 acc[MR][4];
  for (int i = 0; i < MR; i++) {
    for (int j = 0; j < 4; j++) acc[i][j] = _mm512_setzero_ps();
  }
  for (int64_t k = 0; k < n_pairs; k++) {
    const uint32_t * b = panel + k * PANEL;
    __m512i bv[4];
    for (int j = 0; j < 4; j++) bv[j] = _mm512_loadu_si512(b + 16 * j);
    for (int i = 0; i < MR; i++) {
      int32_t pair;
      memcpy(&pair, x + i * ldx + 2 * k, 4);
      const __m512bh a = (__m512bh) _mm512_set1_epi32(pair);
      for (int j = 0; j < 4; j++) acc[i][j] = _mm512_dpbf16_ps(acc[i][j], a, (__m512bh) bv[j]);
    }
  }
  for (int i = 0; i < MR; i++) {
    for (int j = 0; j < 4; j++) {
      const int64_t left = lanes - 16 * j;
      if (left <= 0) break;
      const auto mask = __mmask16(left >= 16 ? 0xffff : (1 << left) - 1);
      float * to = y + i * ldy + 16 * j;
      __m512 r = acc[i][j];
      if (accumulate) r = _mm512_add_ps(r, _mm512_maskz_loadu_ps(mask, to));
      _mm512_mask_storeu_ps(to, mask, r);
    }
  }
}

static void multiply_panel_bf16(const uint16_t * x, int64_t ldx, int64_t n, int64_t n_k, const uint32_t * panel, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  const int64_t n_pairs = (n_k + 1) / 2;
  int64_t t = 0;
  for (; t + 6 <= n; t += 6) tile_bf16<6>(x + t * ldx, ldx, n_pairs, panel, y + t * ldy, ldy, lanes, accumulate);
  for (; t + 2 <= n; t += 2) tile_bf16<2>(x + t * ldx, ldx, n_pairs, panel, y + t * ldy, ldy, lanes, accumulate);
  for (; t < n; t++) tile_bf16<1>(x + t * ldx, ldx, n_pairs, panel, y + t * ldy, ldy, lanes, accumulate);
}
#endif

#ifdef ASLS_BF16
template <bool outputs> static void linear_bf16(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  const int64_t n_lanes = outputs ? w.n_out : w.n_in, n_contract = outputs ? w.n_in : w.n_out, step = outputs ? PANEL : PANELS * PANEL;
  ScratchBf16 & s = scratch_bf16();
  for (int64_t lane = from; lane < to;) {
    // a group ends at a multiple of its width, so that blocks of 256 weights are dequantised once
    const int64_t lanes = std::min(to, lane / step * step + step) - lane;
    for (int64_t k = 0; k < n_contract; k += K_BLOCK) {
      const int64_t n_k = std::min(K_BLOCK, n_contract - k);
      if (outputs) pack_outputs_bf16(w, lane, lanes, k, n_k, s);
      else pack_inputs_bf16(w, lane, lanes, k, n_k, s);
      for (int64_t part = 0; part < lanes; part += PANEL) {
        multiply_panel_bf16(static_cast<const uint16_t *>(x.data) + k, x.n_cols, x.n_rows, n_k, s.panel + part * (K_BLOCK / 2), y + lane + part, n_lanes, std::min(PANEL, lanes - part), accumulate || k > 0);
      }
    }
    lane += lanes;
  }
}
#endif

#include "linear-int8.inl"

/** Both directions: `outputs` packs w's rows as lanes (forward), else its columns (backward). */
template <bool outputs> static void linear(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  const int64_t n_lanes = outputs ? w.n_out : w.n_in, n_contract = outputs ? w.n_in : w.n_out;
#ifdef ASLS_BF16
  if (x.format == RowFormat::bf16) return linear_bf16<outputs>(w, x, y, accumulate, from, to);
#endif
#ifdef ASLS_VNNI
  if (x.format == RowFormat::int8) return linear_int8<outputs>(w, x, y, accumulate, from, to);
#endif
  Scratch & s = scratch();
  for (int64_t lane = from; lane < to; lane += PANEL) {
    const int64_t lanes = std::min(PANEL, to - lane);
    for (int64_t k = 0; k < n_contract; k += K_BLOCK_F32) {
      const int64_t n_k = std::min(K_BLOCK_F32, n_contract - k);
      if (outputs) pack_outputs(w, lane, lanes, k, n_k, s);
      else pack_inputs(w, lane, lanes, k, n_k, s);
      multiply_panel(static_cast<const float *>(x.data) + k, x.n_cols, x.n_rows, n_k, s.panel, y + lane, n_lanes, lanes, accumulate || k > 0);
    }
  }
}

static void to_bf16(const float * from, uint16_t * to, int64_t n, int ith, int nth) {
  int64_t begin, end;
  share(n, ith, nth, 4096, begin, end);
#ifdef ASLS_BF16
  int64_t i = begin;
  for (; i + 32 <= end; i += 32) _mm512_storeu_si512(to + i, (__m512i) _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i)));
  begin = i;
#endif
  for (int64_t k = begin; k < end; k++) {
    uint32_t bits;
    memcpy(&bits, from + k, 4);
    to[k] = uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}

static void from_bf16(const uint16_t * from, float * to, int64_t n, int ith, int nth) {
  int64_t begin, end;
  share(n, ith, nth, 4096, begin, end);
  int64_t i = begin;
  for (; i + VL <= end; i += VL) store(to + i, load_bf16(from + i));
  if (i < end) store_part(to + i, load_bf16_part(from + i, end - i), end - i);
}
