#include "head.hpp"

#include "error.hpp"
#include "ops.hpp"

#include <algorithm>
#include <cmath>

int64_t Head::chunk_size(const Shape & shape) { return std::clamp<int64_t>((int64_t(4) << 20) / shape.n_vocab, 16, 256); }

size_t Head::bytes(const Shape & shape, int64_t max_targets) { return size_t(shape.n_embd * std::max<int64_t>(max_targets, 1)) * sizeof(float); }

Head::Head(Graph & graph, const Model & model, int64_t max_targets) : graph_(graph), model_(model), max_targets_(max_targets) {
  rows_ = ggml_backend_alloc_buffer(graph.device.backend, bytes(model.shape, max_targets));
  if (rows_ == nullptr) throw TrainerError("E_MEMORY_BUDGET", "the gradients at the target rows cannot be allocated");
}

Head::~Head() { ggml_backend_buffer_free(rows_); }

HeadResult Head::run(const Activations & activations, const Batch & batch, const HeadJob & job, const std::function<void()> & between) {
  const int64_t n = int64_t(batch.target_rows.size()), chunk = chunk_size(model_.shape);
  if (n > max_targets_) throw TrainerError("E_TRAINER_INTERNAL", text("%lld targets, room for %lld", (long long) n, (long long) max_targets_));
  HeadResult result;
  for (int64_t first = 0; first < n; first += chunk) {
    run_chunk(activations, batch, job, first, std::min(chunk, n - first), result);
    between();
  }
  if (job.coefficients != nullptr) {
    // scatter the rows into the gradient of the whole sequence
    graph_.begin();
    ggml_context * c = graph_.context();
    ggml_tensor * rows = ggml_new_tensor_2d(c, GGML_TYPE_F32, model_.shape.n_embd, n);
    ggml_backend_tensor_alloc(rows_, rows, ggml_backend_buffer_get_base(rows_));
    ggml_tensor * ids = graph_.input(GGML_TYPE_I32, n, 1, batch.target_rows.data());
    ggml_tensor * dx = ggml_get_rows_back(c, rows, ids, activations.leaf(c, slot_x, model_.shape.n_layer, batch.size()));
    activations.bind(dx, slot_dx, model_.shape.n_layer);
    graph_.keep(dx);
    graph_.run();
  }
  return result;
}

void Head::run_chunk(const Activations & activations, const Batch & batch, const HeadJob & job, int64_t first, int64_t count, HeadResult & result) {
  const Shape & s = model_.shape;
  graph_.begin();
  ggml_context * c = graph_.context();
  Ops ops(graph_, model_, nullptr, batch, false, 0);
  ggml_tensor * ids = graph_.input(GGML_TYPE_I32, count, 1, batch.target_rows.data() + first);
  ggml_tensor * rows = ggml_get_rows(c, activations.leaf(c, slot_x, s.n_layer, batch.size()), ids);
  ggml_tensor * hidden = ops.norm(rows, model_.output_norm);
  ggml_tensor * p = ggml_soft_max(c, ops.frozen(model_.output, hidden));
  std::vector<int32_t> flat(size_t(count), 0);
  for (int64_t i = 0; i < count; i++) flat[size_t(i)] = int32_t(i * s.n_vocab + batch.target_tokens[size_t(first + i)]);
  ggml_tensor * chosen = ggml_get_rows(c, ggml_reshape_2d(c, p, 1, s.n_vocab * count), graph_.input(GGML_TYPE_I32, count, 1, flat.data()));
  graph_.keep(chosen);

  ggml_tensor *base_p = nullptr, *kl = nullptr, *entropy = nullptr, *log_p = nullptr;
  if (job.entropy || job.base_hidden != nullptr) log_p = ggml_log(c, ggml_clamp(c, p, 1e-37f, 1));
  if (job.base_hidden != nullptr) {
    ggml_tensor * base_rows = graph_.input(GGML_TYPE_F32, s.n_embd, count, job.base_hidden->data() + first * s.n_embd);
    base_p = ggml_soft_max(c, ops.frozen(model_.output, ops.norm(base_rows, model_.output_norm)));
    ggml_tensor * difference = ggml_sub(c, ggml_log(c, ggml_clamp(c, base_p, 1e-37f, 1)), log_p);
    kl = ggml_sum_rows(c, ggml_mul(c, base_p, difference));
    graph_.keep(kl);
  }
  if (job.entropy) {
    entropy = ggml_sum_rows(c, ggml_mul(c, p, log_p));
    graph_.keep(entropy);
  }
  std::vector<float> p_weight(size_t(count), 0);
  if (job.coefficients != nullptr) {
    const float * coefficients = job.coefficients->data() + first;
    const float * kl_coefficients = job.kl_coefficients != nullptr ? job.kl_coefficients->data() + first : nullptr;
    for (int64_t i = 0; i < count; i++) p_weight[size_t(i)] = coefficients[i] + (kl_coefficients != nullptr ? kl_coefficients[i] : 0);
    ggml_tensor * weighted = ggml_mul(c, p, graph_.input(GGML_TYPE_F32, 1, count, p_weight.data()));
    if (kl_coefficients != nullptr) weighted = ggml_sub(c, weighted, ggml_mul(c, base_p, graph_.input(GGML_TYPE_F32, 1, count, kl_coefficients)));
    ggml_tensor * tokens = graph_.input(GGML_TYPE_I32, count, 1, batch.target_tokens.data() + first);
    ggml_tensor * onehot = ggml_mul(c, ggml_get_rows(c, model_.output.weight, tokens), graph_.input(GGML_TYPE_F32, 1, count, coefficients));
    ggml_tensor * drows = ops.norm_back(ggml_sub(c, ops.frozen_back(model_.output, weighted), onehot), rows, model_.output_norm, nullptr);
    ggml_backend_tensor_alloc(rows_, drows, static_cast<uint8_t *>(ggml_backend_buffer_get_base(rows_)) + size_t(first * s.n_embd) * sizeof(float));
    graph_.keep(drows);
  }
  graph_.run();

  const auto collect = [&](ggml_tensor * values, std::vector<float> & out, float sign) {
    std::vector<float> part(size_t(count), 0);
    ggml_backend_tensor_get(values, part.data(), 0, part.size() * sizeof(float));
    for (float value : part) out.push_back(sign * value);
  };
  const size_t before = result.log_probability.size();
  collect(chosen, result.log_probability, 1);
  for (size_t i = before; i < result.log_probability.size(); i++) {
    float & value = result.log_probability[i];
    value = std::log(value < 1e-37f ? 1e-37f : value); // NaN stays NaN: the callers refuse it
  }
  if (entropy != nullptr) collect(entropy, result.entropy, -1);
  if (kl != nullptr) collect(kl, result.kl, 1);
}

std::vector<float> Head::hidden(const Activations & activations, const Batch & batch) {
  graph_.begin();
  ggml_context * c = graph_.context();
  const int64_t n = int64_t(batch.target_rows.size());
  ggml_tensor * ids = graph_.input(GGML_TYPE_I32, n, 1, batch.target_rows.data());
  ggml_tensor * rows = ggml_get_rows(c, activations.leaf(c, slot_x, model_.shape.n_layer, batch.size()), ids);
  graph_.keep(rows);
  graph_.run();
  std::vector<float> out(size_t(n * model_.shape.n_embd));
  ggml_backend_tensor_get(rows, out.data(), 0, out.size() * sizeof(float));
  return out;
}

std::vector<float> Head::logits(const Activations & activations, const Batch & batch) {
  std::vector<float> out;
  const Shape & s = model_.shape;
  graph_.begin();
  ggml_context * c = graph_.context();
  Ops ops(graph_, model_, nullptr, batch, false, 0);
  ggml_tensor * all = ops.frozen(model_.output, ops.norm(activations.leaf(c, slot_x, s.n_layer, batch.size()), model_.output_norm));
  graph_.keep(all);
  graph_.run();
  out.resize(size_t(s.n_vocab * batch.size()));
  ggml_backend_tensor_get(all, out.data(), 0, out.size() * sizeof(float));
  return out;
}
