#include "engine.hpp"

#include "error.hpp"
#include "layer.hpp"

#include <algorithm>

// Without our own kernels every sequence has attention nodes of its own, and a graph holds a limited number of nodes.
constexpr size_t most_sequences = 40;

Engine::Engine(Device & device, const Model & model, const Adapter * adapter, const Options & options, std::function<void()> between)
    : model(model), adapter_(adapter), options_(options), between_(std::move(between)), graph_(device),
      activations_(device, model.shape, activation_plan(device, model, adapter, options)), head_(graph_, model, options.max_targets) {
  graph_.follows_inference = !options.train;
}

Activations::Plan Engine::activation_plan(const Device & device, const Model & model, const Adapter * adapter, const Options & options) {
  Activations::Plan plan{options.max_tokens, options.kept_layers, options.whole_layers, options.train, 0, {}, GGML_TYPE_F32};
  if (adapter != nullptr) {
    plan.rank = adapter->options.rank;
    plan.targets = adapter->options.targets;
  }
  // F32 weights keep F32 precision throughout.
  if (device.kernels != nullptr && model.layers[0].matrices[target_down].weight->type != GGML_TYPE_F32) plan.type = GGML_TYPE_BF16;
  return plan;
}

void Engine::forward(const Batch & batch, bool adapter_on, bool training) {
  if (batch.size() > options_.max_tokens) throw TrainerError("E_TRAINER_INTERNAL", text("%lld tokens, room for %lld", (long long) batch.size(), (long long) options_.max_tokens));
  if (graph_.device.kernels == nullptr && batch.segments.size() > most_sequences) {
    throw TrainerError("E_TRAINER_USAGE", text("at most %zu sequences at once on this backend (a dpo example counts twice)", most_sequences));
  }
  const int64_t n = batch.size();
  graph_.begin();
  ggml_tensor * x = ggml_get_rows(graph_.context(), model.embeddings, graph_.input(GGML_TYPE_I32, n, 1, batch.tokens.data()));
  activations_.bind(x, slot_x, 0);
  graph_.keep(x);
  graph_.run();
  for (int64_t l = 0; l < model.shape.n_layer; l++) {
    graph_.begin();
    ggml_context * c = graph_.context();
    Ops ops(graph_, model, adapter_on ? adapter_ : nullptr, batch, training, options_.dropout_seed);
    ggml_tensor * y = nullptr;
    const LayerState state = layer_forward(c, ops, model, l, activations_.leaf(c, slot_x, l, n), &y, rounds());
    if (training && activations_.is_kept(l)) store_state(graph_, ops, activations_, state, l, true);
    activations_.bind(y, slot_x, l + 1);
    graph_.keep(y);
    graph_.run();
    between_();
  }
}

HeadResult Engine::head(const Batch & batch, const HeadJob & job) { return head_.run(activations_, batch, job, between_); }

void Engine::build_again(const Batch & batch, Ops & ops, int64_t l) {
  ggml_context * c = graph_.context();
  if (activations_.is_kept(l)) store_gated(graph_, ops, model, activations_, l, batch.size());
  else store_state(graph_, ops, activations_, layer_forward(c, ops, model, l, activations_.leaf(c, slot_x, l, batch.size()), nullptr, rounds()), l, false);
}

void Engine::build_backward(const Batch & batch, Ops & ops, int64_t l) {
  ggml_context * c = graph_.context();
  ggml_tensor * dx = layer_backward(c, ops, model, l, stored_state(c, activations_, model, l, batch.size()), activations_.leaf(c, slot_dx, l + 1, batch.size()));
  if (l > 0) { // the embeddings are frozen
    activations_.bind(dx, slot_dx, l);
    graph_.keep(dx);
  }
}

void Engine::backward(const Batch & batch) {
  for (int64_t l = model.shape.n_layer - 1; l >= 0; l--) {
    if (!activations_.is_whole(l)) {
      graph_.begin();
      Ops ops(graph_, model, adapter_, batch, true, options_.dropout_seed);
      build_again(batch, ops, l);
      graph_.run();
      between_();
    }
    graph_.begin();
    Ops ops(graph_, model, adapter_, batch, true, options_.dropout_seed);
    build_backward(batch, ops, l);
    graph_.run();
    between_();
  }
}

size_t Engine::measure_scratch(const Batch & batch) {
  if (graph_.device.kernels == nullptr && batch.segments.size() > most_sequences) return 0; // forward() refuses it
  const auto measure = [&](const auto & build) {
    graph_.begin();
    Ops ops(graph_, model, adapter_, batch, options_.train, options_.dropout_seed);
    build(ops);
    return graph_.measure();
  };
  const int64_t top = model.shape.n_layer - 1;
  const size_t forward = measure([&](Ops & ops) {
    ggml_tensor * y = nullptr;
    const LayerState state = layer_forward(graph_.context(), ops, model, top, activations_.leaf(graph_.context(), slot_x, top, batch.size()), &y, rounds());
    if (options_.train) store_state(graph_, ops, activations_, state, top, false);
    activations_.bind(y, slot_x, top + 1);
    graph_.keep(y);
  });
  return options_.train ? std::max(forward, measure([&](Ops & ops) { build_backward(batch, ops, top); })) : forward;
}
