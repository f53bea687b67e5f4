#include "ops.hpp"

#include "random.hpp"

#include <cmath>
#include <cstring>

// The operations of a layer. Those that our own kernels compute are in cpu-ops.cpp; this file decides, and has ggml's versions.

Ops::Ops(Graph & graph, const Model & model, const Adapter * adapter, const Batch & batch, bool training, uint64_t dropout_seed)
    : graph_(graph), model_(model), adapter_(adapter), batch_(batch), training_(training), dropout_seed_(dropout_seed), kernels_(graph.device.kernels), c_(graph.context()) {}

ggml_tensor * Ops::transposed(ggml_tensor * x) { return ggml_cont(c_, ggml_transpose(c_, x)); }

ggml_tensor * Ops::norm(ggml_tensor * x, ggml_tensor * weight) {
  const float eps = model_.shape.rms_eps;
  if (kernels_ == nullptr) return ggml_mul(c_, ggml_rms_norm(c_, x, eps), weight);
  return custom(GGML_TYPE_F32, {x->ne[0], x->ne[1], x->ne[2]}, {x, weight}, [k = kernels_, eps](ggml_tensor * y, int ith, int nth) {
    k->norm(static_cast<float *>(y->src[0]->data), static_cast<float *>(y->src[1]->data), static_cast<float *>(y->data), ggml_nrows(y), y->ne[0], eps, ith, nth);
  });
}

ggml_tensor * Ops::norm_back(ggml_tensor * dy, ggml_tensor * x, ggml_tensor * weight, ggml_tensor * add) {
  const float eps = model_.shape.rms_eps;
  if (kernels_ == nullptr) {
    ggml_tensor * dx = ggml_rms_norm_back(c_, ggml_mul(c_, dy, weight), x, eps);
    return add != nullptr ? ggml_add(c_, dx, add) : dx;
  }
  const auto work = [k = kernels_, eps](ggml_tensor * dx, int ith, int nth) {
    const auto data = [&](int i) { return dx->src[i] != nullptr ? static_cast<float *>(dx->src[i]->data) : nullptr; };
    k->norm_back(data(0), data(1), data(2), data(3), static_cast<float *>(dx->data), ggml_nrows(dx), dx->ne[0], eps, ith, nth);
  };
  const std::array<int64_t, 3> shape = {x->ne[0], x->ne[1], x->ne[2]};
  return add != nullptr ? custom(GGML_TYPE_F32, shape, {dy, x, weight, add}, work) : custom(GGML_TYPE_F32, shape, {dy, x, weight}, work);
}

ggml_tensor * Ops::dropout(int64_t layer, int target, ggml_tensor * x) {
  const float p = adapter_->options.dropout;
  if (!training_ || p <= 0) return nullptr;
  const Random random(dropout_seed_, batch_.dropout_stream * 4096 + uint64_t(layer) * n_targets + uint64_t(target) + (uint64_t(1) << 40));
  std::vector<float> & mask = host_.emplace_back(size_t(ggml_nelements(x)));
  for (size_t i = 0; i < mask.size(); i++) mask[i] = random.unit(i) < p ? 0.0f : 1.0f / (1.0f - p);
  return graph_.input(GGML_TYPE_F32, x->ne[0], x->ne[1], mask.data());
}

ggml_tensor * Ops::forward_product(const Matrix & matrix, ggml_tensor * x) {
  // Activations in 8 bits alone cost too much of the gradient's direction (docs/trainer-engine.md); inference's losses have them.
  const bool in_two_parts = kernels_ != nullptr && !graph_.follows_inference && ggml_is_quantized(matrix.weight->type);
  return in_two_parts ? scaled_product(matrix.weight, x, 2) : product(matrix.weight, x);
}

ggml_tensor * Ops::frozen(const Matrix & matrix, ggml_tensor * x) {
  return fuses_forward(matrix) ? fused_forward(matrix, nullptr, x, nullptr, nullptr, true) : forward_product(matrix, x);
}

ggml_tensor * Ops::linear(int64_t layer, int target, ggml_tensor * x, ggml_tensor * add, ggml_tensor ** u) {
  const Matrix & matrix = model_.layers[size_t(layer)].matrices[size_t(target)];
  const LoraPair * pair = adapter_ == nullptr ? nullptr : adapter_->pair(layer, target);
  const float scale = pair != nullptr ? adapter_->options.scale() : 0;
  ggml_tensor * scaled = nullptr;
  if (pair != nullptr) {
    ggml_tensor * drop = dropout(layer, target, x);
    ggml_tensor * input = drop != nullptr ? ggml_mul(c_, x, drop) : x;
    if (kernels_ == nullptr) {
      scaled = ggml_scale(c_, ggml_mul_mat(c_, pair->a, input), scale);
    } else {
      scaled = custom(GGML_TYPE_F32, {pair->a->ne[1], x->ne[1], 1}, {input, pair->a}, [k = kernels_, scale](ggml_tensor * v, int ith, int nth) {
        k->lora_down(static_cast<float *>(v->src[0]->data), static_cast<float *>(v->src[1]->data), static_cast<float *>(v->data), v->ne[1], v->src[0]->ne[0], v->ne[0], scale, ith, nth);
      });
    }
  }
  if (u != nullptr) *u = scaled;
  if (fuses_forward(matrix)) return fused_forward(matrix, pair, x, scaled, add, target == target_gate || target == target_up);
  ggml_tensor * y = forward_product(matrix, x);
  if (matrix.bias != nullptr) y = ggml_add(c_, y, matrix.bias);
  if (pair != nullptr) y = kernels_ != nullptr ? with_lora(y, *pair, scaled) : ggml_add(c_, y, ggml_mul_mat(c_, pair->b, scaled));
  return add != nullptr ? ggml_add(c_, y, add) : y;
}

ggml_tensor * Ops::frozen_back(const Matrix & matrix, ggml_tensor * dy) {
  if (fuses_backward(matrix)) return fused_backward(matrix, nullptr, dy, nullptr, nullptr);
  if (matrix.transposed != nullptr) return kernels_ != nullptr ? scaled_product(matrix.transposed, dy, 1) : ggml_mul_mat(c_, matrix.transposed, dy);
  ggml_tensor * w = matrix.weight;
  if (w->type != GGML_TYPE_F32) {
    // get_rows of every row is the one way to dequantise that all backends have for all types
    std::vector<float> & ids = host_.emplace_back(size_t(w->ne[1]));
    for (int32_t i = 0; i < int32_t(w->ne[1]); i++) memcpy(&ids[size_t(i)], &i, sizeof i);
    w = ggml_get_rows(c_, w, graph_.input(GGML_TYPE_I32, w->ne[1], 1, ids.data()));
  }
  return ggml_mul_mat(c_, transposed(w), dy);
}

ggml_tensor * Ops::linear_back(int64_t layer, int target, ggml_tensor * x, ggml_tensor * u, ggml_tensor * dy, ggml_tensor * add) {
  const Matrix & matrix = model_.layers[size_t(layer)].matrices[size_t(target)];
  const LoraPair * pair = adapter_ == nullptr ? nullptr : adapter_->pair(layer, target);
  const auto plus = [&](ggml_tensor * a, ggml_tensor * b) { return b != nullptr ? ggml_add(c_, a, b) : a; };
  if (pair == nullptr) return fuses_backward(matrix) ? fused_backward(matrix, nullptr, dy, nullptr, add) : plus(frozen_back(matrix, dy), add);

  const float scale = adapter_->options.scale();
  ggml_tensor * drop = dropout(layer, target, x);
  ggml_tensor * input = drop != nullptr ? ggml_mul(c_, x, drop) : x;
  ggml_tensor * du = nullptr;
  if (kernels_ != nullptr) {
    du = custom(GGML_TYPE_F32, {pair->a->ne[1], x->ne[1], 1}, {dy, pair->b}, [k = kernels_, scale](ggml_tensor * v, int ith, int nth) {
      k->lora_up_back(static_cast<float *>(v->src[0]->data), static_cast<float *>(v->src[1]->data), static_cast<float *>(v->data), v->ne[1], v->src[0]->ne[0], v->ne[0], scale, ith, nth);
    });
    // The result is a formality: the node adds to the two gradients.
    graph_.keep(custom(GGML_TYPE_F32, {1, 1, 1}, {input, u, dy, du, pair->da, pair->db}, [k = kernels_](ggml_tensor * node, int ith, int nth) {
      const auto data = [&](int i) { return static_cast<float *>(node->src[i]->data); };
      k->lora_gradients(data(0), data(1), data(2), data(3), data(4), data(5), node->src[0]->ne[1], node->src[0]->ne[0], node->src[2]->ne[0], node->src[1]->ne[0], ith, nth);
    }));
    if (drop == nullptr && fuses_backward(matrix)) return fused_backward(matrix, pair, dy, du, add);
  } else {
    du = ggml_scale(c_, ggml_mul_mat(c_, transposed(pair->b), dy), scale);
    const float once = 1.0f / graph_.gradient_scale;
    graph_.keep(ggml_add_inplace(c_, pair->db, ggml_scale(c_, ggml_out_prod(c_, u, dy), once)));
    graph_.keep(ggml_add_inplace(c_, pair->da, ggml_scale(c_, ggml_out_prod(c_, input, du), once)));
  }
  ggml_tensor * through = ggml_mul_mat(c_, transposed(pair->a), du);
  if (drop != nullptr) through = ggml_mul(c_, through, drop);
  return plus(ggml_add(c_, frozen_back(matrix, dy), through), add);
}

ggml_tensor * Ops::rotate(ggml_tensor * x) {
  ggml_tensor * positions = graph_.input(GGML_TYPE_I32, batch_.size(), 1, batch_.positions.data());
  return ggml_rope_ext(c_, x, positions, model_.rope_freqs, int(model_.shape.head_dim), model_.shape.rope_mode, int(model_.shape.n_ctx), model_.shape.rope_base, model_.shape.rope_scale, 0, 1, 32, 1);
}

ggml_tensor * Ops::rotate_back(ggml_tensor * dy) {
  ggml_tensor * positions = graph_.input(GGML_TYPE_I32, batch_.size(), 1, batch_.positions.data());
  return ggml_rope_ext_back(c_, dy, positions, model_.rope_freqs, int(model_.shape.head_dim), model_.shape.rope_mode, int(model_.shape.n_ctx), model_.shape.rope_base, model_.shape.rope_scale, 0, 1, 32, 1);
}

ggml_tensor * Ops::gated(ggml_tensor * gate, ggml_tensor * up) {
  if (kernels_ == nullptr) return ggml_mul(c_, ggml_silu(c_, gate), up);
  return custom(GGML_TYPE_F32, {gate->ne[0], gate->ne[1], 1}, {gate, up}, [k = kernels_](ggml_tensor * y, int ith, int nth) {
    k->gated(y->src[0]->data, y->src[1]->data, y->src[0]->type == GGML_TYPE_BF16, static_cast<float *>(y->data), ggml_nelements(y), ith, nth);
  });
}

Ops::GatedGradients Ops::gated_back(ggml_tensor * gate, ggml_tensor * up, ggml_tensor * dy) {
  if (kernels_ == nullptr) return {ggml_silu_back(c_, ggml_mul(c_, dy, up), gate), ggml_mul(c_, dy, ggml_silu(c_, gate))};
  const int64_t n = gate->ne[0], rows = gate->ne[1];
  ggml_tensor * both = custom(GGML_TYPE_F32, {n, rows, 2}, {gate, up, dy}, [k = kernels_](ggml_tensor * y, int ith, int nth) {
    auto * out = static_cast<float *>(y->data);
    const int64_t half = ggml_nelements(y) / 2;
    k->gated_back(y->src[0]->data, y->src[1]->data, y->src[0]->type == GGML_TYPE_BF16, static_cast<float *>(y->src[2]->data), out, out + half, half, ith, nth);
  });
  return {ggml_view_2d(c_, both, n, rows, both->nb[1], 0), ggml_view_2d(c_, both, n, rows, both->nb[1], both->nb[2])};
}
