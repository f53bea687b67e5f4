#include "error.hpp"
#include "job.hpp"

#include <algorithm>
#include <fstream>

using nlohmann::json;

namespace {
constexpr double mb = 1048576.0;

/** Tokens and targets of the largest group that can come up: the sum of the largest examples. */
void largest_group(const Job & job, const Data & data, int64_t & n_tokens, int64_t & n_targets) {
  std::vector<int64_t> tokens, targets;
  for (const Example & e : data.examples) {
    const bool pair = job.mode == "train"; // evaluate and score read only `tokens`
    tokens.push_back(int64_t(e.tokens.size()) + (pair ? int64_t(e.rejected.size()) : 0));
    targets.push_back(e.n_targets() + (pair ? Example::count(e.rejected_targets) : 0));
  }
  const auto top = [&](std::vector<int64_t> & values) {
    std::sort(values.rbegin(), values.rend());
    int64_t sum = 0; // an example may come up twice in a group, at the border of two epochs or when there are few
    for (int64_t i = 0; i < job.sequences; i++) sum += values[size_t(std::min<int64_t>(i / 2, int64_t(values.size()) - 1))];
    return sum;
  };
  n_tokens = top(tokens);
  n_targets = top(targets);
}

double available_mb() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (long kb; file >> key >> kb >> unit;) {
    if (key == "MemAvailable:") return double(kb) / 1024.0;
  }
  return 0;
}

/** Whether sequences of any group begin alike. */
bool shares_rows(const Job & job, const Data & data) {
  for (size_t first = 0; first < data.examples.size(); first += size_t(job.sequences)) {
    if (measured_batch(job, data, first).is_shared()) return true;
  }
  return false;
}

/** A batch of the largest size, to measure with; its content does not matter. `apart`: attention copies its input. */
Batch sample_batch(int64_t n_tokens, int64_t n_sequences, bool apart) {
  Batch batch;
  for (int64_t s = 0; s < n_sequences; s++) {
    const int64_t from = n_tokens * s / n_sequences, to = n_tokens * (s + 1) / n_sequences;
    batch.append(std::vector<int32_t>(size_t(to - from), 0), {});
  }
  for (int32_t row = 0; apart && row < int32_t(n_tokens); row++) {
    batch.attention_rows.push_back(row);
    batch.attention_places.push_back(row);
  }
  return batch;
}
} // namespace

json plan_memory(const Job & job, Setup & setup, Control & control) {
  const bool train = job.mode == "train";
  // Fastest first. Our own kernels need no transposed copy and are faster than ggml's 8-bit products with one; F32 weights gain nothing from one.
  const bool fused_first = setup.device->kernels != nullptr && (setup.device->kernels->fast_linear() || setup.model->layers[0].matrices[target_down].weight->type == GGML_TYPE_F32);
  std::vector<std::string> backwards = {"none"};
  if (train && job.backward != "auto") backwards = {job.backward};
  else if (train) backwards = fused_first ? std::vector<std::string>{"fused"} : std::vector<std::string>{"resident", "fused"};

  const Shape & shape = setup.model->shape;
  Engine::Options options{};
  options.train = train;
  options.dropout_seed = job.seed;
  options.kept_layers = options.whole_layers = train && job.activations != "recompute" ? shape.n_layer : 0;
  // Gate and up of the lowest layers go first: most bytes for the least time. One layer's place is needed in any case, so one is kept.
  std::vector<std::pair<int64_t, int64_t>> kept = {{options.kept_layers, options.whole_layers}};
  if (train && job.activations == "auto") {
    for (int64_t whole = options.whole_layers - 1; whole > 0; whole--) kept.emplace_back(options.kept_layers, whole);
    for (int64_t layers = options.kept_layers - 1; layers > 0; layers--) kept.emplace_back(layers, 1);
  }
  largest_group(job, setup.data, options.max_tokens, options.max_targets);
  const double budget = job.memory_budget_mb > 0 ? double(job.memory_budget_mb) : setup.process_mb + 0.8 * available_mb();
  // Buffers that nobody wrote to are not resident, so the engine can be made first and judged after.
  const auto make_engine = [&] {
    setup.engine.reset();
    setup.engine = std::make_unique<Engine>(*setup.device, *setup.model, setup.adapter.get(), options, [&control, &setup] { control.between_layers(*setup.device); });
  };
  make_engine();
  const double scratch = double(setup.engine->measure_scratch(sample_batch(options.max_tokens, std::min<int64_t>(job.sequences, options.max_tokens / 2), !train && shares_rows(job, setup.data))));
  const double head = double(Head::scratch_bytes(*setup.device, shape, options.max_targets, job.losses.kl_weight > 0));
  json smallest;
  for (const std::string & backward : backwards) {
    for (const auto & [layers, whole] : kept) {
      Engine::Options candidate = options;
      candidate.kept_layers = layers;
      candidate.whole_layers = whole;
      const Activations::Plan activations = Engine::activation_plan(*setup.device, *setup.model, setup.adapter.get(), candidate);
      json memory = {{"budget", job.memory_budget_mb > 0 ? json(job.memory_budget_mb) : json()},
                     {"process", setup.process_mb},
                     {"weights", double(setup.model->weight_bytes) / mb},
                     {"transposed", backward == "resident" ? double(setup.model->transposed_bytes()) / mb : 0.0},
                     {"adapter", setup.adapter == nullptr ? 0.0 : double(setup.adapter->size) * (train ? 16 : 4) / mb},
                     {"activations", double(Activations::bytes(shape, activations) + Head::bytes(shape, options.max_targets)) / mb},
                     {"scratch", std::max(scratch, head) / mb}};
      double total = 0;
      for (const char * key : {"process", "weights", "transposed", "adapter", "activations", "scratch"}) total += memory.at(key).get<double>();
      memory["total"] = total;
      if (total > budget) {
        if (smallest.is_null() || total < smallest.at("total").get<double>()) smallest = memory;
        continue;
      }
      if (backward == "resident") setup.model->make_transposed();
      if (whole < options.whole_layers) {
        options = candidate;
        make_engine();
      }
      return {{"backward", backward}, {"keep_activations", train && whole == shape.n_layer}, {"kept_layers", layers}, {"whole_layers", whole}, {"memory_mb", memory}, {"reason", text("fastest plan within %.0f MB", budget)}};
    }
  }
  setup.engine.reset();
  throw TrainerError("E_MEMORY_BUDGET", text("the smallest plan needs %.0f MB (process %.0f, weights %.0f, adapter %.0f, activations %.0f, scratch %.0f), %.0f MB are allowed",
                                             smallest.at("total").get<double>(), setup.process_mb, smallest.at("weights").get<double>(), smallest.at("adapter").get<double>(),
                                             smallest.at("activations").get<double>(), smallest.at("scratch").get<double>(), budget));
}
