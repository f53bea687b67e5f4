#include "ops.hpp"

#include "random.hpp"

#include <cmath>
#include <cstring>

Ops::Ops(Graph & graph, const Model & model, const Adapter * adapter, const Batch & batch, bool training, uint64_t dropout_seed)
    : graph_(graph), model_(model), adapter_(adapter), batch_(batch), training_(training), dropout_seed_(dropout_seed), c_(graph.context()) {}

ggml_tensor * Ops::transposed(ggml_tensor * x) { return ggml_cont(c_, ggml_transpose(c_, x)); }

ggml_tensor * Ops::norm(ggml_tensor * x, ggml_tensor * weight) { return ggml_mul(c_, ggml_rms_norm(c_, x, model_.shape.rms_eps), weight); }

ggml_tensor * Ops::norm_back(ggml_tensor * dy, ggml_tensor * x, ggml_tensor * weight) {
  return ggml_rms_norm_back(c_, ggml_mul(c_, dy, weight), x, model_.shape.rms_eps);
}

ggml_tensor * Ops::dropout(int64_t layer, int target, ggml_tensor * x) {
  const float p = adapter_->options.dropout;
  if (!training_ || p <= 0) return nullptr;
  const Random random(dropout_seed_, batch_.dropout_stream * 4096 + uint64_t(layer) * n_targets + uint64_t(target) + (uint64_t(1) << 40));
  std::vector<float> & mask = host_.emplace_back(size_t(ggml_nelements(x)));
  for (size_t i = 0; i < mask.size(); i++) mask[i] = random.unit(i) < p ? 0.0f : 1.0f / (1.0f - p);
  return graph_.input(GGML_TYPE_F32, x->ne[0], x->ne[1], mask.data());
}

ggml_tensor * Ops::linear(int64_t layer, int target, ggml_tensor * x, ggml_tensor ** u) {
  const Matrix & matrix = model_.layers[size_t(layer)].matrices[size_t(target)];
  ggml_tensor * y = ggml_mul_mat(c_, matrix.weight, x);
  if (matrix.bias != nullptr) y = ggml_add(c_, y, matrix.bias);
  const LoraPair * pair = adapter_ == nullptr ? nullptr : adapter_->pair(layer, target);
  if (u != nullptr) *u = nullptr;
  if (pair == nullptr) return y;
  ggml_tensor * drop = dropout(layer, target, x);
  ggml_tensor * scaled = ggml_scale(c_, ggml_mul_mat(c_, pair->a, drop != nullptr ? ggml_mul(c_, x, drop) : x), adapter_->options.scale());
  if (u != nullptr) *u = scaled;
  return ggml_add(c_, y, ggml_mul_mat(c_, pair->b, scaled));
}

ggml_tensor * Ops::frozen_back(const Matrix & matrix, ggml_tensor * dy) {
  if (matrix.transposed != nullptr) return ggml_mul_mat(c_, matrix.transposed, dy);
  ggml_tensor * w = matrix.weight;
  if (w->type != GGML_TYPE_F32) {
    // get_rows of every row is the one way to dequantise that all backends have for all types
    std::vector<float> & ids = host_.emplace_back(size_t(w->ne[1]));
    for (int32_t i = 0; i < int32_t(w->ne[1]); i++) memcpy(&ids[size_t(i)], &i, sizeof i);
    w = ggml_get_rows(c_, w, graph_.input(GGML_TYPE_I32, w->ne[1], 1, ids.data()));
  }
  return ggml_mul_mat(c_, transposed(w), dy);
}

ggml_tensor * Ops::linear_back(int64_t layer, int target, ggml_tensor * x, ggml_tensor * u, ggml_tensor * dy) {
  ggml_tensor * dx = frozen_back(model_.layers[size_t(layer)].matrices[size_t(target)], dy);
  const LoraPair * pair = adapter_ == nullptr ? nullptr : adapter_->pair(layer, target);
  if (pair == nullptr) return dx;
  ggml_tensor * drop = dropout(layer, target, x);
  ggml_tensor * du = ggml_scale(c_, ggml_mul_mat(c_, transposed(pair->b), dy), adapter_->options.scale());
  graph_.keep(ggml_add_inplace(c_, pair->db, ggml_out_prod(c_, u, dy)));
  graph_.keep(ggml_add_inplace(c_, pair->da, ggml_out_prod(c_, drop != nullptr ? ggml_mul(c_, x, drop) : x, du)));
  ggml_tensor * through = ggml_mul_mat(c_, transposed(pair->a), du);
  return ggml_add(c_, dx, drop != nullptr ? ggml_mul(c_, through, drop) : through);
}

ggml_tensor * Ops::rotate(ggml_tensor * x) {
  ggml_tensor * positions = graph_.input(GGML_TYPE_I32, batch_.size(), 1, batch_.positions.data());
  return ggml_rope_ext(c_, x, positions, model_.rope_freqs, int(model_.shape.head_dim), model_.shape.rope_mode, int(model_.shape.n_ctx), model_.shape.rope_base, model_.shape.rope_scale, 0, 1, 32, 1);
}

ggml_tensor * Ops::rotate_back(ggml_tensor * dy) {
  ggml_tensor * positions = graph_.input(GGML_TYPE_I32, batch_.size(), 1, batch_.positions.data());
  return ggml_rope_ext_back(c_, dy, positions, model_.rope_freqs, int(model_.shape.head_dim), model_.shape.rope_mode, int(model_.shape.n_ctx), model_.shape.rope_base, model_.shape.rope_scale, 0, 1, 32, 1);
}

ggml_tensor * Ops::gated(ggml_tensor * gate, ggml_tensor * up) { return ggml_mul(c_, ggml_silu(c_, gate), up); }

Ops::GatedGradients Ops::gated_back(ggml_tensor * gate, ggml_tensor * up, ggml_tensor * dy) {
  return {ggml_silu_back(c_, ggml_mul(c_, dy, up), gate), ggml_mul(c_, dy, ggml_silu(c_, gate))};
}
