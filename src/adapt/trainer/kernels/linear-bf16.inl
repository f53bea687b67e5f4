// Products with frozen weights in BF16 (AVX-512 BF16). Lane layout: pairs of consecutive k in one 32-bit unit, as VDPBF16PS wants them.

#ifdef ASLS_BF16
constexpr int64_t K_BLOCK = 768; // panel of 64 lanes x 768 in BF16: 96 KiB; with the backward pass's four 384 KiB, in L2

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

struct ScratchBf16 {
  alignas(64) uint32_t panel[PANELS * PANEL * K_BLOCK / 2];
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
    for (int j = 0; j < 4; j++) store_lanes(y + i * ldy + 16 * j, acc[i][j], lanes - 16 * j, accumulate);
  }
}

#include "tiles-amx.inl"

static void multiply_panel_bf16(const uint16_t * x, int64_t ldx, int64_t first, int64_t n, int64_t n_k, const uint32_t * panel, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  const int64_t n_pairs = (n_k + 1) / 2;
  int64_t t = first;
  for (; t + 6 <= n; t += 6) tile_bf16<6>(x + t * ldx, ldx, n_pairs, panel, y + t * ldy, ldy, lanes, accumulate);
  for (; t + 2 <= n; t += 2) tile_bf16<2>(x + t * ldx, ldx, n_pairs, panel, y + t * ldy, ldy, lanes, accumulate);
  for (; t < n; t++) tile_bf16<1>(x + t * ldx, ldx, n_pairs, panel, y + t * ldy, ldy, lanes, accumulate);
}
template <bool outputs> static void linear_bf16(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  const int64_t n_lanes = outputs ? w.n_out : w.n_in, n_contract = outputs ? w.n_in : w.n_out, step = outputs ? PANEL : PANELS * PANEL;
  ScratchBf16 & s = scratch_bf16();
  const auto * rows = static_cast<const uint16_t *>(x.data);
#ifdef ASLS_AMX
  const Tiles config;
  const TiledRows tiled(rows, x.n_rows, x.n_cols);
#endif
  for (int64_t lane = from; lane < to;) {
    // a group ends at a multiple of its width, so that blocks of 256 weights are dequantised once
    const int64_t lanes = std::min(to, lane / step * step + step) - lane;
    for (int64_t k = 0; k < n_contract; k += K_BLOCK) {
      const int64_t n_k = std::min(K_BLOCK, n_contract - k);
      if (outputs) pack_outputs_bf16(w, lane, lanes, k, n_k, s);
      else pack_inputs_bf16(w, lane, lanes, k, n_k, s);
      for (int64_t part = 0; part < lanes; part += PANEL) {
        const uint32_t * panel = s.panel + part * (K_BLOCK / 2);
        const int64_t width = std::min(PANEL, lanes - part);
        int64_t done = 0; // rows
#ifdef ASLS_AMX
        if (width % 32 == 0 && n_k % 32 == 0) {
          multiply_tiles(tiled, k, n_k, panel, y + lane + part, n_lanes, width, accumulate || k > 0);
          done = tiled.n_rows;
        }
#endif
        multiply_panel_bf16(rows + k, x.n_cols, done, x.n_rows, n_k, panel, y + lane + part, n_lanes, width, accumulate || k > 0);
      }
    }
    lane += lanes;
  }
}
#endif
