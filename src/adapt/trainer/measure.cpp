#include "error.hpp"
#include "job.hpp"
#include "shared-batch.hpp"

#include <algorithm>
#include <cmath>

using nlohmann::json;

namespace {
struct Result {
  double base_loss = 0, adapter_loss = 0, entropy = 0, kl = 0;
  int64_t n = 0;
  std::vector<float> token_losses; // of the adapter if there is one; empty when not asked for
};

double mean(const std::vector<float> & values, const Segment & range) {
  double total = 0;
  for (int64_t i = 0; i < range.size; i++) total += values[size_t(range.from + i)];
  return range.size == 0 ? 0 : total / double(range.size);
}

/** Losses of a group of examples: of the base when wanted, and with the adapter when there is one. */
std::vector<Result> measure_group(Engine & engine, const Job & job, const Adapter * adapter, const Batch & batch, int64_t & n_tokens) {
  HeadResult base, adapted;
  std::vector<float> hidden;
  if (job.base_losses) {
    engine.forward(batch, false, false);
    base = engine.head(batch, {nullptr, nullptr, nullptr, adapter == nullptr});
    n_tokens += batch.size();
  }
  if (adapter != nullptr) {
    if (job.base_losses) hidden = engine.hidden(batch);
    engine.forward(batch, true, false);
    adapted = engine.head(batch, {nullptr, nullptr, job.base_losses ? &hidden : nullptr, true});
    n_tokens += batch.size();
  }
  std::vector<Result> out;
  for (const Segment & range : batch.segment_targets) {
    Result r;
    r.n = range.size;
    if (job.base_losses) r.base_loss = -mean(base.log_probability, range);
    r.entropy = std::max(0.0, mean(adapter != nullptr ? adapted.entropy : base.entropy, range));
    if (adapter != nullptr) {
      r.adapter_loss = -mean(adapted.log_probability, range);
      if (job.base_losses) r.kl = mean(adapted.kl, range);
    }
    if (!std::isfinite(r.base_loss) || !std::isfinite(r.adapter_loss)) {
      throw TrainerError("E_LOSS_NAN", std::string(std::isfinite(r.base_loss) ? "the adapter's" : "the base model's") + " predictions are not numbers");
    }
    if (job.token_losses) {
      const std::vector<float> & values = adapter != nullptr ? adapted.log_probability : base.log_probability;
      for (int64_t i = 0; i < range.size; i++) r.token_losses.push_back(-values[size_t(range.from + i)]);
    }
    out.push_back(std::move(r));
  }
  return out;
}
} // namespace

Batch measured_batch(const Job & job, const Data & data, size_t first) {
  std::vector<const Example *> group;
  for (size_t i = first; i < std::min(data.examples.size(), first + size_t(job.sequences)); i++) group.push_back(&data.examples[i]);
  return shared_batch(group);
}

void run_measure(const Job & job, Control & control) {
  Setup setup = set_up(job, control);
  const json memory_plan = plan_memory(job, setup, control);
  send_plan(job, setup, memory_plan, 0, control);
  if (job.paused) control.start_paused();
  control.set_state("running");
  const std::vector<Example> & examples = setup.data.examples;
  const double began = monotonic_seconds() - control.rest_seconds();
  std::vector<Result> results;
  int64_t n_tokens = 0;
  const auto elapsed = [&] { return monotonic_seconds() - control.rest_seconds() - began; };
  try {
    control.between_layers(*setup.device);
    while (results.size() < examples.size()) {
      const double group_began = elapsed(), cpu_began = cpu_seconds();
      const int64_t tokens_before = n_tokens;
      const Batch batch = measured_batch(job, setup.data, results.size());
      for (Result & r : measure_group(*setup.engine, job, setup.adapter.get(), batch, n_tokens)) results.push_back(std::move(r));
      control.set_step(int64_t(results.size()));
      const double seconds = std::max(1e-9, elapsed() - group_began);
      control.send("progress", {{"step", results.size()},
                                {"steps", examples.size()},
                                {"loss", nullptr},
                                {"lr", nullptr},
                                {"tokens", n_tokens},
                                {"tokens_per_s", double(n_tokens - tokens_before) / seconds},
                                {"step_ms", seconds * 1000},
                                {"cpu_ms", (cpu_seconds() - cpu_began) * 1000},
                                {"rss_mb", resident_mb()},
                                {"peak_rss_mb", peak_resident_mb()}});
    }
  } catch (const StopRequested &) {
    control.send("done", {{"path", nullptr}, {"sha256", nullptr}, {"stopped", true}, {"metrics", metrics(int64_t(results.size()), n_tokens, nullptr, nullptr, elapsed())}});
    return;
  }
  const bool adapted = setup.adapter != nullptr;
  const auto score = [&](size_t i) { return -(adapted ? results[i].adapter_loss : results[i].base_loss); };
  for (size_t i = 0; i < results.size(); i++) {
    const Result & r = results[i];
    json message = {{"id", examples[i].id}, {"base_loss", job.base_losses ? json(r.base_loss) : json()}, {"adapter_loss", adapted ? json(r.adapter_loss) : json()}, {"tokens", r.n}, {"entropy", r.entropy}};
    if (adapted && job.base_losses) message["kl"] = r.kl;
    if (job.token_losses) message["token_losses"] = r.token_losses;
    if (job.mode == "score") {
      int64_t rank = 1; // 1 + how many of the group are better; the earlier one wins a tie
      for (size_t j = 0; j < results.size(); j++) {
        if (examples[j].group == examples[i].group && (score(j) > score(i) || (score(j) == score(i) && j < i))) rank++;
      }
      message["group"] = examples[i].group;
      message["score"] = score(i);
      message["rank"] = rank;
    }
    control.send("result", message);
  }
  control.send("done", {{"path", nullptr}, {"sha256", nullptr}, {"stopped", false}, {"metrics", metrics(int64_t(results.size()), n_tokens, nullptr, nullptr, elapsed())}});
}
