#include "ops.hpp"

#include "error.hpp"

#include <cmath>

// Attention from ggml's operations. The query heads of one KV group are packed into the row dimension, q [head_dim, T * group, n_kv]:
// nothing is broadcast, so the gradients of k and v sum over the group inside a plain mul_mat.

struct Ops::Packed {
  ggml_tensor *q, *k, *v; // [head_dim, T * group, n_kv], [head_dim, T, n_kv] twice
  ggml_tensor * p; // softmax [T, T * group, n_kv]
};

ggml_tensor * Ops::mask(int64_t n) {
  for (const auto & [size, tensor] : masks_) {
    if (size == n) return tensor;
  }
  const int64_t group = model_.shape.n_head / model_.shape.n_kv;
  std::vector<float> & values = host_.emplace_back(size_t(n * n * group));
  for (int64_t row = 0; row < n * group; row++) {
    for (int64_t col = 0; col < n; col++) values[size_t(row * n + col)] = col <= row % n ? 0.0f : -INFINITY;
  }
  masks_.emplace_back(n, graph_.input(GGML_TYPE_F32, n, n * group, values.data()));
  return masks_.back().second;
}

ggml_tensor * Ops::pack_rows(ggml_tensor * q, const Segment & segment) {
  const int64_t d = model_.shape.head_dim, n_kv = model_.shape.n_kv, group = model_.shape.n_head / n_kv;
  const size_t row = size_t(d) * sizeof(float);
  // [d, group, n_kv, T] -> [d, T, group, n_kv]
  ggml_tensor * view = ggml_view_4d(c_, q, d, group, n_kv, segment.size, row, row * size_t(group), row * size_t(group * n_kv), row * size_t(group * n_kv * segment.from));
  return ggml_reshape_3d(c_, ggml_cont(c_, ggml_permute(c_, view, 0, 2, 3, 1)), d, segment.size * group, n_kv);
}

ggml_tensor * Ops::unpack_rows(ggml_tensor * packed, int64_t n) {
  const int64_t d = model_.shape.head_dim, n_kv = model_.shape.n_kv, group = model_.shape.n_head / n_kv;
  // [d, T, group, n_kv] -> [d, group, n_kv, T]
  ggml_tensor * view = ggml_reshape_4d(c_, packed, d, n, group, n_kv);
  return ggml_reshape_2d(c_, ggml_cont(c_, ggml_permute(c_, view, 0, 3, 1, 2)), d * group * n_kv, n);
}

Ops::Packed Ops::pack(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v, const Segment & s) {
  const int64_t d = model_.shape.head_dim, n_kv = model_.shape.n_kv;
  const auto rows = [&](ggml_tensor * x) { // [d, n_kv, T] -> [d, T, n_kv]
    const size_t row = size_t(d) * sizeof(float);
    return ggml_cont(c_, ggml_permute(c_, ggml_view_3d(c_, x, d, n_kv, s.size, row, row * size_t(n_kv), row * size_t(n_kv * s.from)), 0, 2, 1, 3));
  };
  Packed packed{pack_rows(q, s), rows(k), rows(v), nullptr};
  packed.p = ggml_soft_max_ext(c_, ggml_mul_mat(c_, packed.k, packed.q), mask(s.size), 1.0f / std::sqrt(float(d)), 0);
  return packed;
}

ggml_tensor * Ops::attention(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v) {
  if (!batch_.is_shared()) return attend(q, k, v);
  ggml_tensor * rows = graph_.input(GGML_TYPE_I32, batch_.attended(), 1, batch_.attention_rows.data());
  const auto apart = [&](ggml_tensor * x) { return ggml_get_rows(c_, ggml_reshape_2d(c_, x, ggml_nelements(x) / batch_.size(), batch_.size()), rows); };
  return ggml_get_rows(c_, attend(apart(q), apart(k), apart(v)), graph_.input(GGML_TYPE_I32, batch_.size(), 1, batch_.attention_places.data()));
}

ggml_tensor * Ops::attend(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v) {
  if (kernels_ != nullptr) return own_attention(q, k, v);
  ggml_tensor * out = nullptr;
  for (const Segment & segment : batch_.segments) {
    const Packed packed = pack(q, k, v, segment);
    ggml_tensor * part = unpack_rows(ggml_mul_mat(c_, transposed(packed.v), packed.p), segment.size);
    out = out == nullptr ? part : ggml_concat(c_, out, part, 1);
  }
  // a reshape cannot be bound to stored activations; a copy can
  return batch_.segments.size() == 1 ? ggml_cont(c_, out) : out;
}

Ops::AttentionGradients Ops::attention_back(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v, ggml_tensor * att, ggml_tensor * datt) {
  if (batch_.is_shared()) throw TrainerError("E_TRAINER_INTERNAL", "sequences that share rows cannot be trained on");
  if (kernels_ != nullptr) return own_attention_back(q, k, v, att, datt);
  const int64_t d = model_.shape.head_dim, n_kv = model_.shape.n_kv;
  const float scale = 1.0f / std::sqrt(float(d));
  AttentionGradients sum{nullptr, nullptr, nullptr};
  const auto join = [&](ggml_tensor *& total, ggml_tensor * part) { total = total == nullptr ? part : ggml_concat(c_, total, part, 1); };
  for (const Segment & segment : batch_.segments) {
    const Packed packed = pack(q, k, v, segment);
    ggml_tensor * dout = pack_rows(datt, segment);
    ggml_tensor * ds = ggml_soft_max_ext_back(c_, ggml_mul_mat(c_, packed.v, dout), packed.p, scale, 0);
    ggml_tensor * dq = ggml_mul_mat(c_, transposed(packed.k), ds);
    ggml_tensor * dk = ggml_mul_mat(c_, transposed(packed.q), transposed(ds));
    ggml_tensor * dv = ggml_mul_mat(c_, transposed(dout), transposed(packed.p));
    const auto back = [&](ggml_tensor * x) { // [d, T, n_kv] -> [d * n_kv, T]
      return ggml_reshape_2d(c_, ggml_cont(c_, ggml_permute(c_, x, 0, 2, 1, 3)), d * n_kv, segment.size);
    };
    join(sum.q, unpack_rows(dq, segment.size));
    join(sum.k, back(dk));
    join(sum.v, back(dv));
  }
  return sum;
}
