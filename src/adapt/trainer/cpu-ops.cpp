#include "ops.hpp"

#include "sliced-mul-mat.hpp"

#include <cmath>
#include <cstring>

// Nodes that run our own kernels. A node reads its tensors when it runs, so that the allocator may place them anywhere.

namespace {
void run_work(ggml_tensor * result, int, int, void * work) { (*static_cast<std::function<void(ggml_tensor *)> *>(work))(result); }

float * floats(const ggml_tensor * tensor) { return tensor != nullptr ? static_cast<float *>(tensor->data) : nullptr; }

WeightView view_of(const ggml_tensor * w) { return {w->data, w->nb[1], w->ne[0], w->ne[1], int(w->type)}; }
/** @param half what 16-bit integers are. */
RowsView rows_of(const ggml_tensor * x, RowFormat half) {
  switch (x->type) {
  case GGML_TYPE_BF16: return {x->data, x->ne[1], x->ne[0], RowFormat::bf16};
  case GGML_TYPE_I16: return {x->data, x->ne[1], x->ne[0] * 16 / 17, half};
  case GGML_TYPE_I8: return {x->data, x->ne[1], x->ne[0] * 4 / 5, RowFormat::int8};
  default: return {x->data, x->ne[1], x->ne[0], RowFormat::f32};
  }
}

/**
 * F32 weights keep F32 precision, half ones their own; integers need blocks of 32, pairs of values even widths, in both directions. Forward
 * only where `may_round` and the weights are 8-bit numbers in blocks of 32 already: rounding both costs too much of the gradient's direction.
 */
RowFormat format_for(const Kernels & k, const ggml_tensor * w, bool backward, bool may_round) {
  const auto both = [&](int64_t n) { return w->ne[0] % n == 0 && w->ne[1] % n == 0; };
  const bool in_8_bits = backward ? ggml_is_quantized(w->type) : may_round && (w->type == GGML_TYPE_Q8_0 || w->type == GGML_TYPE_Q4_0);
  if (w->type == GGML_TYPE_F32) return RowFormat::f32;
  if (k.to_int8 != nullptr && both(32) && in_8_bits) return RowFormat::int8;
  const RowFormat half = backward ? k.half_backward : k.half;
  return both(half == RowFormat::int16 ? 32 : 2) ? half : RowFormat::f32;
}

/** Fills lanes [from, to) of y with bias and add; false when there is neither, and nothing was written. */
bool fill_lanes(float * y, int64_t n_rows, int64_t n_cols, const float * bias, const float * add, int64_t from, int64_t to) {
  if (bias == nullptr && add == nullptr) return false;
  for (int64_t t = 0; t < n_rows; t++) {
    float * row = y + t * n_cols;
    if (add != nullptr) memcpy(row + from, add + t * n_cols + from, size_t(to - from) * sizeof(float));
    if (bias == nullptr) continue;
    for (int64_t i = from; i < to; i++) row[i] = bias[i] + (add != nullptr ? row[i] : 0.0f);
  }
  return true;
}

/** This thread's lanes, four panels at a time: what one function leaves of them is in the cache when the next one adds to it. */
template <typename F> void for_lanes(const Kernels & k, int64_t n_lanes, int ith, int nth, const F & work) {
  int64_t from, to;
  share_of(n_lanes, ith, nth, k.panel, from, to);
  for (const int64_t step = 4 * k.panel; from < to;) {
    const int64_t end = std::min(to, from / step * step + step);
    work(from, end);
    from = end;
  }
}
} // namespace

ggml_tensor * Ops::custom(ggml_type type, std::array<int64_t, 3> shape, std::initializer_list<ggml_tensor *> arguments, Work work) {
  std::vector<ggml_tensor *> list(arguments);
  return ggml_custom_4d(c_, type, shape[0], shape[1], shape[2], 1, list.data(), int(list.size()), run_work, 1, work_for(std::move(work)));
}

void * Ops::work_for(Work work) {
  return &works_.emplace_back([&device = graph_.device, work = std::move(work)](ggml_tensor * result) {
    device.pool().run([&](int ith, int nth) { work(result, ith, nth); });
  });
}

ggml_tensor * Ops::known_copy(const ggml_tensor * x, ggml_type type, int64_t n_rows) const {
  for (const auto & [original, copy] : copies_) {
    if (original == x && copy->type == type && copy->ne[1] == n_rows) return copy;
  }
  return nullptr;
}

ggml_tensor * Ops::product(ggml_tensor * w, ggml_tensor * x) {
  if (kernels_ == nullptr) return ggml_mul_mat(c_, w, x);
  return custom(GGML_TYPE_F32, {w->ne[1], x->ne[1], 1}, {w, x}, [](ggml_tensor * y, int ith, int nth) { sliced_mul_mat(y->src[0], y->src[1], floats(y), ith, nth); });
}

ggml_tensor * Ops::scaled_product(ggml_tensor * w, ggml_tensor * x, int parts) {
  const int64_t n_rows = x->ne[1], size = ScaledRows::size(n_rows, x->ne[0], parts);
  ggml_tensor * rows = known_copy(x, GGML_TYPE_F32, size);
  if (rows == nullptr) {
    rows = custom(GGML_TYPE_F32, {x->ne[0], size, 1}, {x}, [parts](ggml_tensor * to, int ith, int nth) {
      const ggml_tensor * from = to->src[0];
      ScaledRows::fill(floats(from), floats(to), from->ne[1], from->ne[0], parts, ith, nth);
    });
    copies_.emplace_back(x, rows);
  }
  return custom(GGML_TYPE_F32, {w->ne[1], n_rows, 1}, {w, rows}, [parts](ggml_tensor * y, int ith, int nth) { sliced_mul_mat_scaled(y->src[0], y->src[1], y->ne[1], parts, floats(y), ith, nth); });
}

bool Ops::has_ggml(const Matrix & matrix) const {
  const ggml_tensor * w = matrix.weight;
  return kernels_ != nullptr && kernels_->to_ggml != nullptr && w->ne[0] % 32 == 0 && w->ne[1] % 32 == 0 && (w->type == GGML_TYPE_Q8_0 || w->type == GGML_TYPE_Q4_0 || w->type == GGML_TYPE_IQ4_NL);
}

bool Ops::fuses_forward(const Matrix & matrix) const {
  if (graph_.follows_inference) return has_ggml(matrix);
  // With weights in blocks of 256, ggml rounds activations to 8 bits in blocks of 256, too: gradients would lose a thousandth of their direction.
  const bool is_coarse = ggml_blck_size(matrix.weight->type) == 256;
  return kernels_ != nullptr && (kernels_->fast_linear() || is_coarse || matrix.weight->type == GGML_TYPE_F32);
}

bool Ops::fuses_backward(const Matrix & matrix) const { return kernels_ != nullptr && matrix.transposed == nullptr; }

ggml_tensor * Ops::rows_for(const Matrix & matrix, ggml_tensor * x, bool backward, bool may_round) {
  const bool as_ggml = graph_.follows_inference;
  const RowFormat format = as_ggml ? kernels_->ggml : format_for(*kernels_, matrix.weight, backward, may_round);
  if (format == RowFormat::f32) return x;
  const bool in_16_bits = format == RowFormat::int16 || format == RowFormat::ggml16; // never both in one graph
  const ggml_type type = format == RowFormat::int8 ? GGML_TYPE_I8 : in_16_bits ? GGML_TYPE_I16 : GGML_TYPE_BF16;
  if (ggml_tensor * copy = known_copy(x, type, x->ne[1])) return copy;
  const int64_t n = x->ne[0], width = format == RowFormat::int8 ? int8_row_bytes(n) : in_16_bits ? int16_row_values(n) : n;
  ggml_tensor * copy = custom(type, {width, x->ne[1], 1}, {x}, [k = kernels_, format, as_ggml](ggml_tensor * y, int ith, int nth) {
    const ggml_tensor * from = y->src[0];
    if (as_ggml) k->to_ggml(floats(from), y->data, ggml_nrows(from), from->ne[0], ith, nth);
    else if (format == RowFormat::int8) k->to_int8(floats(from), y->data, ggml_nrows(from), from->ne[0], ith, nth);
    else if (format == RowFormat::int16) k->to_int16(floats(from), y->data, ggml_nrows(from), from->ne[0], ith, nth);
    else k->to_bf16(floats(from), static_cast<uint16_t *>(y->data), ggml_nelements(y), ith, nth);
  });
  copies_.emplace_back(x, copy);
  return copy;
}

ggml_tensor * Ops::fused_forward(const Matrix & matrix, const LoraPair * pair, ggml_tensor * x, ggml_tensor * u, ggml_tensor * add, bool may_round) {
  // The optional arguments are found by position, so absent ones are given as x.
  ggml_tensor * rows = rows_for(matrix, x, false, may_round);
  const bool has_bias = matrix.bias != nullptr, has_add = add != nullptr, has_pair = pair != nullptr;
  return custom(GGML_TYPE_F32, {matrix.weight->ne[1], x->ne[1], 1}, {rows, matrix.weight, has_bias ? matrix.bias : rows, has_add ? add : rows, has_pair ? u : rows, has_pair ? pair->b : rows},
                [k = kernels_, half = graph_.follows_inference ? RowFormat::ggml16 : RowFormat::int16, has_bias, has_add, has_pair](ggml_tensor * y, int ith, int nth) {
                  float * out = floats(y);
                  const RowsView values = rows_of(y->src[0], half);
                  for_lanes(*k, y->ne[0], ith, nth, [&](int64_t from, int64_t to) {
                    const bool filled = fill_lanes(out, y->ne[1], y->ne[0], has_bias ? floats(y->src[2]) : nullptr, has_add ? floats(y->src[3]) : nullptr, from, to);
                    k->forward(view_of(y->src[1]), values, out, filled, from, to);
                    if (has_pair) k->lora_up(floats(y->src[4]), floats(y->src[5]), out, y->ne[1], y->ne[0], y->src[4]->ne[0], from, to);
                  });
                });
}

ggml_tensor * Ops::with_lora(ggml_tensor * y, const LoraPair & pair, ggml_tensor * u) {
  std::array<ggml_tensor *, 2> arguments = {u, pair.b};
  Work work = [k = kernels_](ggml_tensor * sum, int ith, int nth) {
    const ggml_tensor * down = sum->src[1];
    for_lanes(*k, sum->ne[0], ith, nth, [&](int64_t from, int64_t to) { k->lora_up(floats(down), floats(sum->src[2]), floats(sum), sum->ne[1], sum->ne[0], down->ne[0], from, to); });
  };
  return ggml_custom_inplace(c_, y, arguments.data(), int(arguments.size()), run_work, 1, work_for(std::move(work)));
}

ggml_tensor * Ops::fused_backward(const Matrix & matrix, const LoraPair * pair, ggml_tensor * dy, ggml_tensor * du, ggml_tensor * add) {
  ggml_tensor * rows = rows_for(matrix, dy, true, true);
  const bool has_add = add != nullptr, has_pair = pair != nullptr;
  return custom(GGML_TYPE_F32, {matrix.weight->ne[0], dy->ne[1], 1}, {rows, matrix.weight, has_add ? add : rows, has_pair ? du : rows, has_pair ? pair->a : rows},
                [k = kernels_, has_add, has_pair](ggml_tensor * dx, int ith, int nth) {
                  float * out = floats(dx);
                  for_lanes(*k, dx->ne[0], ith, nth, [&](int64_t from, int64_t to) {
                    const bool filled = fill_lanes(out, dx->ne[1], dx->ne[0], nullptr, has_add ? floats(dx->src[2]) : nullptr, from, to);
                    k->backward(view_of(dx->src[1]), rows_of(dx->src[0], RowFormat::int16), out, filled, from, to);
                    if (has_pair) k->lora_down_back(floats(dx->src[3]), floats(dx->src[4]), out, dx->ne[1], dx->ne[0], dx->src[3]->ne[0], from, to);
                  });
                });
}

ggml_tensor * Ops::rounded(ggml_tensor * x) {
  if (ggml_tensor * copy = known_copy(x, GGML_TYPE_BF16, x->ne[1])) return copy;
  ggml_tensor * copy = custom(GGML_TYPE_BF16, {x->ne[0], x->ne[1], x->ne[2]}, {x}, [k = kernels_](ggml_tensor * y, int ith, int nth) {
    k->to_bf16(floats(y->src[0]), static_cast<uint16_t *>(y->data), ggml_nelements(y), ith, nth);
  });
  copies_.emplace_back(x, copy);
  return copy;
}

ggml_tensor * Ops::unrounded(ggml_tensor * x) {
  if (x->type == GGML_TYPE_F32) return x;
  return custom(GGML_TYPE_F32, {x->ne[0], x->ne[1], x->ne[2]}, {x}, [k = kernels_](ggml_tensor * y, int ith, int nth) {
    k->from_bf16(static_cast<const uint16_t *>(y->src[0]->data), floats(y), ggml_nelements(y), ith, nth);
  });
}

ggml_tensor * Ops::head(ggml_tensor * logits, ggml_tensor * base_logits, const HeadView & view) {
  Work work = [k = kernels_, view](ggml_tensor * y, int ith, int nth) {
    HeadView h = view;
    h.logits = floats(y);
    h.base_logits = floats(y->src[1]);
    k->head(h, ith, nth);
  };
  return ggml_custom_inplace(c_, logits, &base_logits, base_logits != nullptr ? 1 : 0, run_work, 1, work_for(std::move(work)));
}

ggml_tensor * Ops::own_attention(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v) {
  const Shape & s = model_.shape;
  return custom(GGML_TYPE_F32, {s.head_dim * s.n_head, batch_.attended(), 1}, {q, k, v}, [kernels = kernels_, &s, &batch = batch_](ggml_tensor * y, int ith, int nth) {
    const float scale = 1.0f / std::sqrt(float(s.head_dim));
    for (const Segment & segment : batch.segments) {
      const int64_t at = segment.from * s.head_dim * s.n_head, kv_at = segment.from * s.head_dim * s.n_kv;
      AttentionView view{};
      view.q = floats(y->src[0]) + at;
      view.k = floats(y->src[1]) + kv_at;
      view.v = floats(y->src[2]) + kv_at;
      view.result = floats(y) + at;
      view.n_tokens = segment.size;
      view.d = s.head_dim;
      view.n_head = s.n_head;
      view.n_kv = s.n_kv;
      view.scale = scale;
      kernels->attention(view, ith, nth);
    }
  });
}

Ops::AttentionGradients Ops::own_attention_back(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v, ggml_tensor * att, ggml_tensor * datt) {
  const Shape & s = model_.shape;
  const int64_t n = batch_.size(), n_q = s.head_dim * s.n_head, n_k = s.head_dim * s.n_kv;
  // one result: dq, then dk, then dv
  ggml_tensor * all = custom(GGML_TYPE_F32, {(n_q + 2 * n_k) * n, 1, 1}, {q, k, v, att, datt}, [kernels = kernels_, &s, &batch = batch_, n, n_q, n_k](ggml_tensor * y, int ith, int nth) {
    const float scale = 1.0f / std::sqrt(float(s.head_dim));
    for (const Segment & segment : batch.segments) {
      const int64_t at = segment.from * n_q, kv_at = segment.from * n_k;
      AttentionView view{};
      view.q = floats(y->src[0]) + at;
      view.k = floats(y->src[1]) + kv_at;
      view.v = floats(y->src[2]) + kv_at;
      view.out = floats(y->src[3]) + at;
      view.dout = floats(y->src[4]) + at;
      view.dq = floats(y) + at;
      view.dk = floats(y) + n * n_q + kv_at;
      view.dv = floats(y) + n * (n_q + n_k) + kv_at;
      view.n_tokens = segment.size;
      view.d = s.head_dim;
      view.n_head = s.n_head;
      view.n_kv = s.n_kv;
      view.scale = scale;
      kernels->attention_back(view, ith, nth);
    }
  });
  const auto part = [&](int64_t width, int64_t offset) { return ggml_view_2d(c_, all, width, n, size_t(width) * sizeof(float), size_t(offset) * sizeof(float)); };
  return {part(n_q, 0), part(n_k, n * n_q), part(n_k, n * (n_q + n_k))};
}
