#pragma once

#include <cstddef>
#include <cstdint>

/** A frozen weight matrix as ggml stores it: n_out rows of n_in elements. */
struct WeightView {
  const void * data;
  size_t row_bytes;
  int64_t n_in, n_out;
  int type; // ggml_type
};

/** Rows of activations: F32, or BF16 when the kernels' `bf16` is set and the weights are not F32. */
struct RowsView {
  const void * data;
  int64_t n_rows, n_cols;
  bool bf16;
};

/** Attention of one sequence. q, out and their gradients: n_head * d floats a token; k, v: n_kv * d. */
struct AttentionView {
  const float *q, *k, *v, *out, *dout;
  float *result, *dq, *dk, *dv;
  int64_t n_tokens, d, n_head, n_kv;
  float scale;
};

/**
 * Our own CPU kernels, one table per instruction set.
 *
 * Every function computes the share `ith` of `nth` of its result; each element is computed by one thread in an order of additions that
 * depends on neither, so results are the same for any number of threads.
 */
struct Kernels {
  const char * name;
  /** Products of frozen weights with BF16 dot products: faster than ggml's 8-bit ones. False: leave them to ggml. */
  bool fast_linear;
  /** Lanes (outputs or inputs) are shared among threads in units of this, by forward, backward, lora_up and lora_down_back alike. */
  int64_t panel;

  /** y[t][o] = sum_i w[o][i] x[t][i] (+ y when accumulating). */
  void (*forward)(const WeightView & w, const RowsView & x, float * y, bool accumulate, int ith, int nth);
  /** dx[t][i] = sum_o w[o][i] dy[t][o] (+ dx when accumulating). */
  void (*backward)(const WeightView & w, const RowsView & dy, float * dx, bool accumulate, int ith, int nth);
  void (*to_bf16)(const float * from, uint16_t * to, int64_t n, int ith, int nth);

  /** u[t][r] = scale * sum_i a[r][i] x[t][i]. */
  void (*lora_down)(const float * x, const float * a, float * u, int64_t n, int64_t n_in, int64_t rank, float scale, int ith, int nth);
  /** y[t][o] += sum_r b[o][r] u[t][r]. */
  void (*lora_up)(const float * u, const float * b, float * y, int64_t n, int64_t n_out, int64_t rank, int ith, int nth);
  /** du[t][r] = scale * sum_o b[o][r] dy[t][o]. */
  void (*lora_up_back)(const float * dy, const float * b, float * du, int64_t n, int64_t n_out, int64_t rank, float scale, int ith, int nth);
  /** dx[t][i] += sum_r a[r][i] du[t][r]. */
  void (*lora_down_back)(const float * du, const float * a, float * dx, int64_t n, int64_t n_in, int64_t rank, int ith, int nth);
  /** da[r][i] += sum_t du[t][r] x[t][i]; db[o][r] += sum_t dy[t][o] u[t][r]. */
  void (*lora_gradients)(const float * x, const float * u, const float * dy, const float * du, float * da, float * db, int64_t n, int64_t n_in, int64_t n_out, int64_t rank, int ith, int nth);

  void (*attention)(const AttentionView & a, int ith, int nth);
  void (*attention_back)(const AttentionView & a, int ith, int nth);

  /** y = x / rms(x) * w per row. */
  void (*norm)(const float * x, const float * w, float * y, int64_t n_rows, int64_t n_cols, float eps, int ith, int nth);
  /** dx = gradient through norm (+ add when given). */
  void (*norm_back)(const float * dy, const float * x, const float * w, const float * add, float * dx, int64_t n_rows, int64_t n_cols, float eps, int ith, int nth);
  /** y = silu(gate) * up. */
  void (*gated)(const float * gate, const float * up, float * y, int64_t n, int ith, int nth);
  void (*gated_back)(const float * gate, const float * up, const float * dy, float * dgate, float * dup, int64_t n, int ith, int nth);
};

/** Range [from, to) of share `ith` of `nth` when n is shared in units of `step`. */
void share_of(int64_t n, int ith, int nth, int64_t step, int64_t & from, int64_t & to);

/** The best table this processor runs; null when ASLS_TRAINER_KERNELS is `ggml`. That variable may also name a table. */
const Kernels * best_kernels();
