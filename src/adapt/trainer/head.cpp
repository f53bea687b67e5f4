#include "head.hpp"

#include "error.hpp"
#include "head-losses.hpp"

#include <algorithm>
#include <cmath>

namespace {
int64_t chunk_size(const Shape & shape) { return std::clamp<int64_t>((int64_t(2) << 20) / shape.n_vocab, 16, 256); }

/** The power of two that puts the largest coefficient into [16, 32): devices multiply in F16, which ends at 6e-8 (Micikevicius et al. 2018, loss scaling). */
float scale_for(const HeadJob & job) {
  float largest = 0;
  for (const std::vector<float> * values : {job.coefficients, job.kl_coefficients}) {
    if (values == nullptr) continue;
    for (float v : *values) largest = std::max(largest, std::fabs(v));
  }
  return largest > 0 && std::isfinite(largest) ? std::ldexp(1.0f, std::clamp(4 - std::ilogb(largest), -60, 60)) : 1.0f;
}

std::vector<float> times(const std::vector<float> & values, float scale) {
  std::vector<float> out = values;
  for (float & v : out) v *= scale;
  return out;
}
} // namespace

size_t Head::scratch_bytes(const Device & device, const Shape & shape, int64_t max_targets, bool divergence) {
  // our own: logits, which become their gradient, that once more rounded or scaled, and the base's logits; ggml: about three arrays in F32
  const size_t copy = device.kernels != nullptr && device.kernels->fast_linear() ? 2 : 4;
  const size_t bytes_each = device.kernels == nullptr ? 12 : (divergence ? 8 : 4) + copy;
  return size_t(std::min(chunk_size(shape), std::max<int64_t>(max_targets, 1)) * shape.n_vocab) * bytes_each;
}

size_t Head::bytes(const Shape & shape, int64_t max_targets) { return size_t(shape.n_embd * std::max<int64_t>(max_targets, 1)) * sizeof(float); }

Head::Head(Graph & graph, const Model & model, int64_t max_targets) : graph_(graph), model_(model), max_targets_(max_targets) {
  rows_ = ggml_backend_alloc_buffer(graph.device.backend, bytes(model.shape, max_targets));
  if (rows_ == nullptr) throw TrainerError("E_MEMORY_BUDGET", "the gradients at the target rows cannot be allocated");
}

Head::~Head() { ggml_backend_buffer_free(rows_); }

HeadResult Head::run(const Activations & activations, const Batch & batch, const HeadJob & wanted, const std::function<void()> & between) {
  HeadJob job = wanted;
  std::vector<float> scaled, kl_scaled;
  graph_.gradient_scale = graph_.device.kernels == nullptr && job.coefficients != nullptr ? scale_for(job) : 1.0f;
  if (graph_.gradient_scale != 1.0f) {
    scaled = times(*job.coefficients, graph_.gradient_scale);
    job.coefficients = &scaled;
    if (job.kl_coefficients != nullptr) {
      kl_scaled = times(*job.kl_coefficients, graph_.gradient_scale);
      job.kl_coefficients = &kl_scaled;
    }
  }
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
  const auto logits_of = [&](ggml_tensor * hidden) { return ops.frozen(model_.output, ops.norm(hidden, model_.output_norm)); };
  Chunk chunk{logits_of(rows), nullptr, batch.target_tokens.data() + first, count, nullptr, nullptr, {}, {}, {}};
  if (job.base_hidden != nullptr) chunk.base_logits = logits_of(graph_.input(GGML_TYPE_F32, s.n_embd, count, job.base_hidden->data() + first * s.n_embd));
  if (job.coefficients != nullptr) chunk.coefficients = job.coefficients->data() + first;
  if (job.coefficients != nullptr && job.kl_coefficients != nullptr) chunk.kl_coefficients = job.kl_coefficients->data() + first;
  HeadLosses losses(graph_, ops, model_, chunk);
  if (ggml_tensor * dhidden = losses.build(job.entropy)) {
    ggml_tensor * drows = ops.norm_back(dhidden, rows, model_.output_norm, nullptr);
    ggml_backend_tensor_alloc(rows_, drows, static_cast<uint8_t *>(ggml_backend_buffer_get_base(rows_)) + size_t(first * s.n_embd) * sizeof(float));
    graph_.keep(drows);
  }
  graph_.run();
  losses.collect();
  const auto append = [](std::vector<float> & to, const std::vector<float> & from) { to.insert(to.end(), from.begin(), from.end()); };
  append(result.log_probability, chunk.log_probability);
  if (job.entropy) append(result.entropy, chunk.entropy);
  if (job.base_hidden != nullptr) append(result.kl, chunk.kl);
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
