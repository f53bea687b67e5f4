#include "sliced-mul-mat.hpp"

#include "error.hpp"
#include "kernels/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ggml-backend.h>
#include <memory>
#include <vector>

namespace {
/** A single-threaded ggml backend of this thread, with the memory for one small graph. */
struct Worker {
  Worker() : backend(ggml_backend_dev_init(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU), nullptr), ggml_backend_free), memory(ggml_tensor_overhead() * 8 + ggml_graph_overhead_custom(8, false)) {
    void * address = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(ggml_backend_get_device(backend.get())), "ggml_backend_set_n_threads");
    ggml_backend_set_n_threads_t set_threads;
    memcpy(&set_threads, &address, sizeof set_threads);
    set_threads(backend.get(), 1);
  }
  std::unique_ptr<ggml_backend, void (*)(ggml_backend_t)> backend;
  std::vector<uint8_t> memory;
};

/** Rows [from, to) of w times n rows of floats, [to - from] of them to a row of the result. */
void multiply(const ggml_tensor * w, int64_t from, int64_t to, float * x, int64_t n, float * result) {
  static thread_local Worker worker;
  ggml_context * c = ggml_init({worker.memory.size(), worker.memory.data(), true});
  ggml_tensor * rows = ggml_new_tensor_2d(c, w->type, w->ne[0], to - from);
  ggml_tensor * input = ggml_new_tensor_2d(c, GGML_TYPE_F32, w->ne[0], n);
  ggml_tensor * product = ggml_mul_mat(c, rows, input);
  rows->data = static_cast<uint8_t *>(w->data) + size_t(from) * w->nb[1];
  input->data = x;
  product->data = result;
  ggml_cgraph * graph = ggml_new_graph_custom(c, 8, false);
  ggml_build_forward_expand(graph, product);
  const ggml_status status = ggml_backend_graph_compute(worker.backend.get(), graph);
  ggml_free(c);
  if (status != GGML_STATUS_SUCCESS) throw TrainerError("E_TRAINER_INTERNAL", text("a product ended with status %d", int(status)));
}

/** This thread's memory for a product of which it computes a part. */
float * scratch_for(int64_t n) {
  static thread_local std::vector<float> result;
  if (result.size() < size_t(n)) result.resize(size_t(n));
  return result.data();
}

/** What 8 bits and a scale in F16 hold of a block of 32 values, in place of them, and the rest. */
void split_block(float * values, float * rest) {
  float largest = 0;
  for (int i = 0; i < 32; i++) largest = std::max(largest, std::fabs(values[i]));
  const float scale = ggml_fp16_to_fp32(ggml_fp32_to_fp16(largest / 127.0f)), inverse = scale > 0 ? 1.0f / scale : 0.0f;
  constexpr float to_integer = 12582912.0f; // 1.5 * 2^23: the sum has no digits behind the point
  for (int i = 0; i < 32; i++) {
    const float whole = values[i] * inverse + to_integer, held = (whole - to_integer) * scale;
    rest[i] = values[i] - held;
    values[i] = held;
  }
}
} // namespace

void sliced_mul_mat(const ggml_tensor * w, const ggml_tensor * x, float * y, int ith, int nth) {
  const int64_t n_out = w->ne[1], n = x->ne[1];
  int64_t from, to;
  share_of(n_out, ith, nth, 16, from, to);
  if (from >= to) return;
  const bool whole = to - from == n_out;
  float * result = whole ? y : scratch_for((to - from) * n);
  multiply(w, from, to, static_cast<float *>(x->data), n, result);
  for (int64_t t = 0; !whole && t < n; t++) memcpy(y + t * n_out + from, result + t * (to - from), size_t(to - from) * sizeof(float));
}

void ScaledRows::fill(const float * x, float * to, int64_t n_rows, int64_t n_cols, int parts, int ith, int nth) {
  float * factors = to + parts * n_rows * n_cols;
  int64_t first, last;
  share_of(n_rows, ith, nth, 1, first, last);
  for (int64_t t = first; t < last; t++) {
    const float * from = x + t * n_cols;
    float * row = to + t * n_cols;
    float largest = 0;
    for (int64_t i = 0; i < n_cols; i++) largest = std::max(largest, std::fabs(from[i]));
    // Beyond these bounds the factor or its inverse would be no F32 number; what is not finite stays so.
    const int exponent = largest > 0 && std::isfinite(largest) ? std::clamp(7 - (std::ilogb(largest) + 1), -120, 120) : 0;
    const float factor = std::ldexp(1.0f, exponent);
    factors[t] = std::ldexp(1.0f, -exponent);
    for (int64_t i = 0; i < n_cols; i++) row[i] = from[i] * factor;
    for (int64_t i = 0; parts == 2 && i < n_cols; i += 32) split_block(row + i, row + n_rows * n_cols + i);
  }
}

void sliced_mul_mat_scaled(const ggml_tensor * w, const ggml_tensor * x, int64_t n_rows, int parts, float * y, int ith, int nth) {
  const int64_t n_out = w->ne[1];
  int64_t from, to;
  share_of(n_out, ith, nth, 16, from, to);
  if (from >= to) return;
  const int64_t width = to - from;
  auto * rows = static_cast<float *>(x->data);
  const float * factors = rows + parts * n_rows * w->ne[0];
  float * result = scratch_for(width * n_rows * parts);
  multiply(w, from, to, rows, n_rows * parts, result);
  for (int64_t t = 0; t < n_rows; t++) {
    const float *one = result + t * width, *other = parts == 2 ? one + n_rows * width : nullptr;
    float * out = y + t * n_out + from;
    for (int64_t o = 0; o < width; o++) out[o] = (other != nullptr ? one[o] + other[o] : one[o]) * factors[t];
  }
}
