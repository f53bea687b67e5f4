#pragma once

#include <ggml.h>

/**
 * Rows [share ith of nth] of ggml_mul_mat(w, x), computed by ggml's own kernel on this thread alone: llama.cpp's arithmetic on our threads.
 *
 * @param y result [n_out x tokens], contiguous F32.
 */
void sliced_mul_mat(const ggml_tensor * w, const ggml_tensor * x, float * y, int ith, int nth);
