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

/** A batch of the largest size, to measure with; its content does not matter. */
Batch sample_batch(int64_t n_tokens, int64_t n_sequences) {
  Batch batch;
  for (int64_t s = 0; s < n_sequences; s++) {
    const int64_t from = n_tokens * s / n_sequences, to = n_tokens * (s + 1) / n_sequences;
    batch.append(std::vector<int32_t>(size_t(to - from), 0), {});
  }
  return batch;
}
} // namespace

json plan_memory(const Job & job, Setup & setup, Control & control) {
  struct Choice {
    const char * backward;
    bool keep;
  };
  const bool train = job.mode == "train";
  std::vector<Choice> choices;
  // Fastest first. Our BF16 kernels need no transposed copy and are faster than ggml's 8-bit products with one; F32 weights gain nothing from one.
  const bool fused_first = setup.device->kernels != nullptr && (setup.device->kernels->fast_linear || setup.model->layers[0].matrices[target_down].weight->type == GGML_TYPE_F32);
  for (const char * backward : {fused_first ? "fused" : "resident", fused_first ? "resident" : "fused"}) {
    for (bool keep : {true, false}) {
      const bool wanted = (job.backward == "auto" ? !(fused_first && strcmp(backward, "resident") == 0) : job.backward == backward) && (job.activations == "auto" || (job.activations == "keep") == keep);
      if (train && wanted) choices.push_back({backward, keep});
    }
  }
  if (!train) choices.push_back({"none", false});

  Engine::Options options{};
  options.train = train;
  options.dropout_seed = job.seed;
  largest_group(job, setup.data, options.max_tokens, options.max_targets);
  const double budget = job.memory_budget_mb > 0 ? double(job.memory_budget_mb) : setup.process_mb + 0.8 * available_mb();
  json smallest;
  for (const Choice & choice : choices) {
    options.keep_activations = choice.keep;
    Activations::Plan activations{options.max_tokens, choice.keep, train, 0, {}};
    if (setup.adapter != nullptr) {
      activations.rank = setup.adapter->options.rank;
      activations.targets = setup.adapter->options.targets;
    }
    // Buffers that nobody wrote to are not resident, so the engine can be made first and judged after.
    setup.engine = std::make_unique<Engine>(*setup.device, *setup.model, setup.adapter.get(), options, [&control, &setup] { control.between_layers(*setup.device); });
    const double scratch = double(setup.engine->measure_scratch(sample_batch(options.max_tokens, std::min<int64_t>(job.sequences, options.max_tokens / 2))));
    const Shape & shape = setup.model->shape;
    const double head = double(Head::chunk_size(shape)) * double(shape.n_vocab) * 4 * 3 + double(Head::bytes(shape, options.max_targets));
    json memory = {{"budget", job.memory_budget_mb > 0 ? json(job.memory_budget_mb) : json()},
                   {"process", setup.process_mb},
                   {"weights", double(setup.model->weight_bytes) / mb},
                   {"transposed", strcmp(choice.backward, "resident") == 0 ? double(setup.model->transposed_bytes()) / mb : 0.0},
                   {"adapter", setup.adapter == nullptr ? 0.0 : double(setup.adapter->size) * (train ? 16 : 8) / mb},
                   {"activations", double(Activations::bytes(shape, activations)) / mb},
                   {"scratch", std::max(scratch, head) / mb}};
    double total = 0;
    for (const char * key : {"process", "weights", "transposed", "adapter", "activations", "scratch"}) total += memory.at(key).get<double>();
    memory["total"] = total;
    if (total <= budget) {
      if (strcmp(choice.backward, "resident") == 0) setup.model->make_transposed();
      return {{"backward", choice.backward}, {"keep_activations", choice.keep}, {"memory_mb", memory}, {"reason", text("fastest plan within %.0f MB", budget)}};
    }
    if (smallest.is_null() || total < smallest.at("total").get<double>()) smallest = memory;
    setup.engine.reset();
  }
  throw TrainerError("E_MEMORY_BUDGET", text("the smallest plan needs %.0f MB (process %.0f, weights %.0f, adapter %.0f, activations %.0f, scratch %.0f), %.0f MB are allowed",
                                             smallest.at("total").get<double>(), setup.process_mb, smallest.at("weights").get<double>(), smallest.at("adapter").get<double>(),
                                             smallest.at("activations").get<double>(), smallest.at("scratch").get<double>(), budget));
}
