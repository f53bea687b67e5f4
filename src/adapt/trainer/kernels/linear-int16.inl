// Products with frozen weights in 16 bits. With AVX-512 VNNI without BF16 forward where 8-bit activations will not do: VPDPWSSD multiplies as many
// pairs as VDPBF16PS. With AVX2 in both directions: VPMADDWD multiplies twice as many pairs as an F32 FMA, and the 8-bit VPMADDUBSW, whose sums
// have to be widened at once, no more than that.
// A row of activations: n values, then per block of BLOCK_INT16 its scale (float).
// Panel of LANES_INT16 lanes: per two values along the contraction one pair a lane, and per block one scale a lane.
// With blocks of BLOCK_GGML instead both factors are the integers of ggml's 8-bit products, so that the results are its own but for the order in
// which blocks are added.

#ifdef ASLS_INT16
constexpr int64_t BLOCK_GGML = 32;

/** Rows of activations: values, scales of the first one, and the values from one row to the next. */
struct Int16Rows {
  const int16_t * values;
  const float * scales;
  int64_t stride;
};

struct ScratchInt16;
/** Panels of `lanes` columns from lane0, one behind the other. */
template <int type> static void pack_inputs_int16(const WeightView & w, int64_t lane0, int64_t lanes, int64_t k0, int64_t n_k, ScratchInt16 & s);

#ifdef __AVX512F__
#include "int16-avx512.inl"
#else
#include "int16-avx2.inl"
#endif

static void to_int16(const float * from, void * to, int64_t n_rows, int64_t n, int ith, int nth) {
  int64_t begin, end;
  share(n_rows, ith, nth, 1, begin, end);
  for (int64_t row = begin; row < end; row++) {
    auto * q = static_cast<int16_t *>(to) + row * int16_row_values(n);
    auto * scales = reinterpret_cast<float *>(q + n);
    for (int64_t k = 0; k < n; k += BLOCK_INT16) scales[k / BLOCK_INT16] = round_to(MOST_INT16, from + row * n + k, q + k, std::min(BLOCK_INT16, n - k));
  }
}

template <int64_t block> static void multiply_panel_int16(Int16Rows x, int64_t n, int64_t n_k, const int16_t * panel, const float * scale, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  const auto next = [&](int64_t rows) {
    x.values += rows * x.stride;
    x.scales = reinterpret_cast<const float *>(reinterpret_cast<const int16_t *>(x.scales) + rows * x.stride);
    y += rows * ldy;
    n -= rows;
  };
  while (n >= ROWS_INT16) {
    tile_int16<ROWS_INT16, block>(x, n_k, panel, scale, y, ldy, lanes, accumulate);
    next(ROWS_INT16);
  }
  while (n >= 2) {
    tile_int16<2, block>(x, n_k, panel, scale, y, ldy, lanes, accumulate);
    next(2);
  }
  while (n >= 1) {
    tile_int16<1, block>(x, n_k, panel, scale, y, ldy, lanes, accumulate);
    next(1);
  }
}

template <bool outputs, int64_t block, int type> static void linear_int16_of(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  const int64_t n_lanes = outputs ? w.n_out : w.n_in, n_contract = outputs ? w.n_in : w.n_out, step = outputs ? PANEL : PANELS * PANEL;
  ScratchInt16 & s = scratch_int16();
  const auto * values = static_cast<const int16_t *>(x.data);
  const auto * scales = reinterpret_cast<const float *>(values + n_contract);
  for (int64_t lane = from; lane < to;) {
    const int64_t lanes = std::min(to, lane / step * step + step) - lane;
    for (int64_t k = 0; k < n_contract; k += K_BLOCK_INT16) {
      const int64_t n_k = std::min(K_BLOCK_INT16, n_contract - k);
      if constexpr (outputs) pack_outputs_int16<block, type>(w, lane, lanes, k, n_k, s);
      else pack_inputs_int16<type>(w, lane, lanes, k, n_k, s);
      const Int16Rows rows{values + k, scales + k / block, int16_row_values(n_contract)};
      for (int64_t part = 0; part < lanes; part += LANES_INT16) {
        multiply_panel_int16<block>(rows, x.n_rows, n_k, s.panel + part * K_BLOCK_INT16, s.scale + part * (K_BLOCK_INT16 / block), y + lane + part, n_lanes, std::min(LANES_INT16, lanes - part), accumulate || k > 0);
      }
    }
    lane += lanes;
  }
}

template <bool outputs, int64_t block = BLOCK_INT16> static void linear_int16(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to) {
  if (w.type == GGML_TYPE_Q8_0) linear_int16_of<outputs, block, GGML_TYPE_Q8_0>(w, x, y, accumulate, from, to);
  else if (w.type == GGML_TYPE_Q4_0) linear_int16_of<outputs, block, GGML_TYPE_Q4_0>(w, x, y, accumulate, from, to);
  else if (w.type == GGML_TYPE_IQ4_NL) linear_int16_of<outputs, block, GGML_TYPE_IQ4_NL>(w, x, y, accumulate, from, to);
  else if constexpr (block == BLOCK_INT16) linear_int16_of<outputs, block, any_type>(w, x, y, accumulate, from, to);
}
#endif
