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

/**
 * How the factor of a frozen product is stored; which one is chosen where depends on kernels and weight type.
 * ggml16: the 8-bit integers of ggml's products, 16 bits each.
 */
enum class RowFormat { f32, bf16, int16, int8, ggml16 };

/** Rows of activations, n_cols values each. */
struct RowsView {
  const void * data;
  int64_t n_rows, n_cols;
  RowFormat format;
};

/** A row in 8 bits: n values, n / 32 scales (float) and n / 32 sums (int32; see linear-int8.inl). n is a multiple of 32. */
inline int64_t int8_row_bytes(int64_t n) { return n + n / 4; }
/** A row in 16 bits (int16, ggml16), counted in them: n values and at most n / 32 scales (float). n is a multiple of 32. */
inline int64_t int16_row_values(int64_t n) { return n + n / 16; }

/** Attention of one sequence. q, out and their gradients: n_head * d floats a token; k, v: n_kv * d. */
struct AttentionView {
  const float *q, *k, *v, *out, *dout;
  float *result, *dq, *dk, *dv;
  int64_t n_tokens, d, n_head, n_kv;
  float scale;
};

/** Logits of target rows; with coefficients they become the gradient c (p - onehot) + k (p - p_base), p the softmax. */
struct HeadView {
  float * logits; // n_rows x n_vocab
  const float * base_logits; // the base's; null: no divergence
  int64_t n_rows, n_vocab;
  const int32_t * targets;
  const float *coefficients, *kl_coefficients; // null: none
  float *log_probability, *entropy, *kl; // results; kl only with base_logits
};

/**
 * Our own CPU kernels, one table per instruction set.
 *
 * Every function computes the share `ith` of `nth` of its result, or a range of it; each element is computed by one thread in an order of
 * additions that depends on neither, so results are the same for any number of threads.
 */
struct Kernels {
  const char * name;
  bool fast_linear() const { return half != RowFormat::f32; }
  /** What the factor of a frozen product is rounded to where 8 bits will not do. f32: not at all, and forward ggml's 8-bit products are faster. */
  RowFormat half, half_backward;
  /** Lanes (outputs or inputs) [from, to) of forward, backward, lora_up and lora_down_back begin at a multiple of this. */
  int64_t panel;

  /** y[t][o] = sum_i w[o][i] x[t][i] (+ y when accumulating), o in [from, to). */
  void (*forward)(const WeightView & w, const RowsView & x, float * y, bool accumulate, int64_t from, int64_t to);
  /** dx[t][i] = sum_o w[o][i] dy[t][o] (+ dx when accumulating), i in [from, to). */
  void (*backward)(const WeightView & w, const RowsView & dy, float * dx, bool accumulate, int64_t from, int64_t to);
  void (*to_bf16)(const float * from, uint16_t * to, int64_t n, int ith, int nth);
  void (*from_bf16)(const uint16_t * from, float * to, int64_t n, int ith, int nth);
  /** Rows of n values to 8 bits; null: this table has no 8-bit products. */
  void (*to_int8)(const float * from, void * to, int64_t n_rows, int64_t n, int ith, int nth);
  /** The same to 16 bits; null unless `half` is int16. */
  void (*to_int16)(const float * from, void * to, int64_t n_rows, int64_t n, int ith, int nth);
  /** The same as ggml's 8-bit products round them, for forward with Q8_0, Q4_0 and IQ4_NL weights; null: this table has no such products. */
  void (*to_ggml)(const float * from, void * to, int64_t n_rows, int64_t n, int ith, int nth);
  /** What to_ggml makes: int8 or ggml16. */
  RowFormat ggml;

  /** u[t][r] = scale * sum_i a[r][i] x[t][i]. */
  void (*lora_down)(const float * x, const float * a, float * u, int64_t n, int64_t n_in, int64_t rank, float scale, int ith, int nth);
  /** y[t][o] += sum_r b[o][r] u[t][r], o in [from, to). */
  void (*lora_up)(const float * u, const float * b, float * y, int64_t n, int64_t n_out, int64_t rank, int64_t from, int64_t to);
  /** du[t][r] = scale * sum_o b[o][r] dy[t][o]. */
  void (*lora_up_back)(const float * dy, const float * b, float * du, int64_t n, int64_t n_out, int64_t rank, float scale, int ith, int nth);
  /** dx[t][i] += sum_r a[r][i] du[t][r], i in [from, to). */
  void (*lora_down_back)(const float * du, const float * a, float * dx, int64_t n, int64_t n_in, int64_t rank, int64_t from, int64_t to);
  /** da[r][i] += sum_t du[t][r] x[t][i]; db[o][r] += sum_t dy[t][o] u[t][r]. */
  void (*lora_gradients)(const float * x, const float * u, const float * dy, const float * du, float * da, float * db, int64_t n, int64_t n_in, int64_t n_out, int64_t rank, int ith, int nth);

  void (*attention)(const AttentionView & a, int ith, int nth);
  void (*attention_back)(const AttentionView & a, int ith, int nth);

  void (*head)(const HeadView & h, int ith, int nth);

  /** y = x / rms(x) * w per row. */
  void (*norm)(const float * x, const float * w, float * y, int64_t n_rows, int64_t n_cols, float eps, int ith, int nth);
  /** dx = gradient through norm (+ add when given). */
  void (*norm_back)(const float * dy, const float * x, const float * w, const float * add, float * dx, int64_t n_rows, int64_t n_cols, float eps, int ith, int nth);
  /** y = silu(gate) * up. @param bf16 gate and up are BF16, as activations are stored; else F32. */
  void (*gated)(const void * gate, const void * up, bool bf16, float * y, int64_t n, int ith, int nth);
  void (*gated_back)(const void * gate, const void * up, bool bf16, const float * dy, float * dgate, float * dup, int64_t n, int ith, int nth);
};

/** Range [from, to) of share `ith` of `nth` when n is shared in units of `step`. */
void share_of(int64_t n, int ith, int nth, int64_t step, int64_t & from, int64_t & to);

/** The best table this processor runs; null when ASLS_TRAINER_KERNELS is `ggml`. That variable may also name a table. */
const Kernels * best_kernels();
