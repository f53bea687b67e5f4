// Products with frozen weights. A panel of PANEL output lanes is dequantised once per block of the contraction and used for every token.

constexpr int64_t PANEL = 64;
static_assert(PANEL % (WIDE * VL) == 0);
constexpr int64_t PANELS = 4; // packed together where the contraction runs along rows (backward): as wide as a K-quant block

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

#include "linear-bf16.inl"
#include "quantised-blocks.inl"
#include "linear-int8.inl"
#include "linear-int16.inl"

/** Both directions: `outputs` packs w's rows as lanes (forward), else its columns (backward). */
template <bool outputs> static void linear(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  const int64_t n_lanes = outputs ? w.n_out : w.n_in, n_contract = outputs ? w.n_in : w.n_out;
#ifdef ASLS_BF16
  if (x.format == RowFormat::bf16) return linear_bf16<outputs>(w, x, y, accumulate, from, to);
#endif
#ifdef ASLS_VNNI
  if (x.format == RowFormat::int8) return linear_int8<outputs>(w, x, y, accumulate, from, to);
#endif
#ifdef ASLS_INT16
  if constexpr (outputs || INT16_BACKWARD) {
    if (x.format == RowFormat::int16) return linear_int16<outputs>(w, x, y, accumulate, from, to);
  }
  if constexpr (outputs) {
    if (x.format == RowFormat::ggml16) return linear_int16<true, BLOCK_GGML>(w, x, y, accumulate, from, to);
  }
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
