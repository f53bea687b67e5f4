#include "head-losses.hpp"

#include <cmath>

ggml_tensor * HeadLosses::build(bool entropy) {
  inputs_.reserve(4); // the graph holds pointers to them
  for (std::vector<float> * values : {&chunk_.log_probability, &chunk_.entropy, &chunk_.kl}) values->assign(size_t(chunk_.count), 0);
  return graph_.device.kernels != nullptr ? build_own() : build_from_ggml(entropy);
}

ggml_tensor * HeadLosses::build_own() {
  HeadView view{};
  view.n_rows = chunk_.count;
  view.n_vocab = model_.shape.n_vocab;
  view.targets = chunk_.targets;
  view.coefficients = chunk_.coefficients;
  view.kl_coefficients = chunk_.kl_coefficients;
  view.log_probability = chunk_.log_probability.data();
  view.entropy = chunk_.entropy.data();
  view.kl = chunk_.kl.data();
  ggml_tensor * gradient = ops_.head(chunk_.logits, chunk_.base_logits, view);
  graph_.keep(gradient);
  return chunk_.coefficients != nullptr ? ops_.frozen_back(model_.output, gradient) : nullptr;
}

ggml_tensor * HeadLosses::per_row(std::vector<float> values) { return graph_.input(GGML_TYPE_F32, 1, chunk_.count, inputs_.emplace_back(std::move(values)).data()); }

void HeadLosses::wanted(ggml_tensor * node, std::vector<float> & values) {
  graph_.keep(node);
  wanted_.emplace_back(node, &values);
}

ggml_tensor * HeadLosses::build_from_ggml(bool entropy) {
  ggml_context * c = graph_.context();
  const int64_t n_vocab = model_.shape.n_vocab, count = chunk_.count;
  ggml_tensor * p = ggml_soft_max(c, chunk_.logits);
  for (int64_t i = 0; i < count; i++) flat_.push_back(int32_t(i * n_vocab + chunk_.targets[i]));
  wanted(ggml_get_rows(c, ggml_reshape_2d(c, p, 1, n_vocab * count), graph_.input(GGML_TYPE_I32, count, 1, flat_.data())), chunk_.log_probability);
  ggml_tensor *log_p = nullptr, *base_p = nullptr;
  if (entropy || chunk_.base_logits != nullptr) log_p = ggml_log(c, ggml_clamp(c, p, 1e-37f, 1));
  if (chunk_.base_logits != nullptr) {
    base_p = ggml_soft_max(c, chunk_.base_logits);
    wanted(ggml_sum_rows(c, ggml_mul(c, base_p, ggml_sub(c, ggml_log(c, ggml_clamp(c, base_p, 1e-37f, 1)), log_p))), chunk_.kl);
  }
  if (entropy) wanted(ggml_sum_rows(c, ggml_mul(c, p, log_p)), chunk_.entropy);
  if (chunk_.coefficients == nullptr) return nullptr;

  const std::vector<float> ce(chunk_.coefficients, chunk_.coefficients + count);
  std::vector<float> both = ce;
  for (int64_t i = 0; i < count && chunk_.kl_coefficients != nullptr; i++) both[size_t(i)] += chunk_.kl_coefficients[i];
  ggml_tensor * weighted = ggml_mul(c, p, per_row(both));
  if (chunk_.kl_coefficients != nullptr) weighted = ggml_sub(c, weighted, ggml_mul(c, base_p, per_row({chunk_.kl_coefficients, chunk_.kl_coefficients + count})));
  // W^T onehot = rows of W
  ggml_tensor * tokens = graph_.input(GGML_TYPE_I32, count, 1, chunk_.targets);
  return ggml_sub(c, ops_.frozen_back(model_.output, weighted), ggml_mul(c, ggml_get_rows(c, model_.output.weight, tokens), per_row(ce)));
}

void HeadLosses::collect() {
  if (wanted_.empty()) return;
  for (const auto & [node, values] : wanted_) ggml_backend_tensor_get(node, values->data(), 0, values->size() * sizeof(float));
  for (float & value : chunk_.log_probability) value = std::log(value < 1e-37f ? 1e-37f : value); // NaN stays NaN: the callers refuse it
  for (float & value : chunk_.entropy) value = -value;
}
