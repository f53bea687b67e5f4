#pragma once

#include <cstdint>
#include <ggml.h>

/**
 * Rows [share ith of nth] of ggml_mul_mat(w, x), computed by ggml's own kernel on this thread alone: llama.cpp's arithmetic on our threads.
 *
 * @param y result [n_out x tokens], contiguous F32.
 */
void sliced_mul_mat(const ggml_tensor * w, const ggml_tensor * x, float * y, int ith, int nth);

/**
 * Rows of activations for products that round them to 8 bits in blocks of 32, or to F16, as ggml's kernels do.
 *
 * A block's scale is an F16 number there, so values far below 1 would lose their digits, and below 4e-6 all of them: a row is multiplied by
 * the power of two that puts its largest value into [64, 128). In two parts a row's first is what 8 bits in blocks of 32 can hold exactly, the
 * second is the rest: the sum of both products has the error of 15 bits.
 */
struct ScaledRows {
  /** Rows of n_cols floats that the parts of n_rows rows and their factors take. */
  static int64_t size(int64_t n_rows, int64_t n_cols, int parts) { return parts * n_rows + (n_rows + n_cols - 1) / n_cols; }
  /** Share `ith` of `nth` of the rows of x. @param to parts * n_rows rows, first all first parts, then the factors that undo the scaling. @param parts 1 or 2; 2 needs n_cols in 32s. */
  static void fill(const float * x, float * to, int64_t n_rows, int64_t n_cols, int parts, int ith, int nth);
};

/** The same product of rows made by ScaledRows::fill. @param x [n_in x ScaledRows::size(n_rows, n_in, parts)]. */
void sliced_mul_mat_scaled(const ggml_tensor * w, const ggml_tensor * x, int64_t n_rows, int parts, float * y, int ith, int nth);
