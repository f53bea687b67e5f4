#include "checkpoint.hpp"
#include "error.hpp"
#include "job.hpp"
#include "random.hpp"
#include "sha256.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

using nlohmann::json;

namespace {
/** Order of examples: a fresh permutation every epoch, a function of the seed only. */
class ExampleOrder {
public:
  ExampleOrder(uint64_t seed, size_t n) : seed_(seed), permutation_(n) {}

  size_t at(uint64_t position) {
    const uint64_t n = permutation_.size(), epoch = position / n;
    if (!known_ || epoch != epoch_) {
      std::iota(permutation_.begin(), permutation_.end(), size_t(0));
      const Random random(seed_, (uint64_t(1) << 32) + epoch);
      for (uint64_t i = n; i > 1; i--) std::swap(permutation_[i - 1], permutation_[random.below(i, i)]);
      epoch_ = epoch;
      known_ = true;
    }
    return permutation_[position % n];
  }

private:
  uint64_t seed_, epoch_ = 0;
  bool known_ = false;
  std::vector<size_t> permutation_;
};

/** Digest of everything that changes the result. */
std::string identity_of(const Job & job, const Setup & setup) {
  json options = job.raw;
  for (const char * key : {"model", "data", "out", "checkpoint", "resume", "threads", "memory_budget_mb", "paused", "init_adapter", "activations"}) options.erase(key);
  const std::string adapter = job.init_adapter.empty() ? "" : sha256_file(job.init_adapter);
  const std::string text = options.dump() + setup.model->fingerprint + setup.data.sha256 + adapter + setup.device->name;
  Sha256 hash;
  hash.update(text.data(), text.size());
  return hash.hex();
}

/** A training in progress. */
class Training {
public:
  Training(const Job & job, Setup & setup, Control & control)
      : job_(job), setup_(setup), control_(control), optimiser_(*setup.adapter, job.optimiser), objective_(*setup.engine, job.losses), order_(job.seed, setup.data.examples.size()),
        identity_(job.checkpoint.empty() && job.resume.empty() ? "" : identity_of(job, setup)) {
    if (!job.resume.empty()) {
      progress_ = read_checkpoint(job.resume, identity_, *setup.adapter, optimiser_);
      optimiser_.set_external_rate(progress_.rate);
      last_checkpoint_ = progress_.step;
    } else {
      progress_.rate = job.optimiser.lr;
    }
    control.set_step(progress_.step);
  }

  int64_t step() const { return progress_.step; }

  void run() {
    started_ = monotonic_seconds() - control_.rest_seconds();
    while (progress_.step < job_.optimiser.steps) {
      control_.between_layers(*setup_.device);
      one_step();
    }
    if (control_.take_checkpoint_order()) checkpoint();
  }

  void checkpoint() {
    if (job_.checkpoint.empty()) return;
    progress_.rate = optimiser_.external_rate();
    last_checkpoint_ = progress_.step;
    const std::string digest = write_checkpoint(job_.checkpoint, identity_, progress_, *setup_.adapter, optimiser_);
    control_.send("checkpoint", {{"path", job_.checkpoint}, {"sha256", digest}, {"step", progress_.step}});
  }

  json totals() const { return metrics(progress_.step, tokens_, first_loss_, final_loss_, started_ == 0 ? 0 : monotonic_seconds() - control_.rest_seconds() - started_); }

private:
  void one_step() {
    const double began = monotonic_seconds() - control_.rest_seconds(), cpu_began = cpu_seconds();
    if (const std::optional<double> rate = control_.take_rate()) optimiser_.set_external_rate(*rate);
    setup_.adapter->zero_gradients();
    const int64_t n_examples = job_.sequences * job_.accumulate;
    GroupLoss sum;
    for (int64_t group = 0; group < job_.accumulate; group++) {
      const uint64_t number = uint64_t(progress_.step) * uint64_t(job_.accumulate) + uint64_t(group);
      std::vector<const Example *> examples;
      for (int64_t i = 0; i < job_.sequences; i++) examples.push_back(&setup_.data.examples[order_.at(number * uint64_t(job_.sequences) + uint64_t(i))]);
      const GroupLoss loss = objective_.accumulate(examples, n_examples, number);
      sum.objective += loss.objective;
      sum.nll += loss.nll;
      sum.kl += loss.kl;
      sum.kto_reference += loss.kto_reference / double(job_.accumulate);
      sum.n_targets += loss.n_targets;
      sum.n_tokens += loss.n_tokens;
    }
    setup_.adapter->download_gradients();
    const double norm = optimiser_.gradient_norm(setup_.device->pool());
    if (!std::isfinite(sum.objective) || !std::isfinite(norm)) {
      throw TrainerError("E_LOSS_NAN", text("the loss or its gradient is not finite at step %lld; the last checkpoint is of step %lld", (long long) progress_.step + 1, (long long) last_checkpoint_));
    }
    // A checkpoint is written when the next step has found its loss finite, so that a bad state never replaces a good one.
    const bool due = job_.checkpoint_every > 0 && progress_.step > 0 && progress_.step % job_.checkpoint_every == 0 && progress_.step != last_checkpoint_;
    if (control_.take_checkpoint_order() || due) checkpoint();
    const double rate = optimiser_.rate(progress_.step);
    optimiser_.step(progress_.step, rate, norm, setup_.device->pool());
    progress_.step++;
    control_.set_step(progress_.step);
    tokens_ += sum.n_tokens;
    if (first_loss_.is_null()) first_loss_ = sum.objective;
    final_loss_ = sum.objective;
    const double seconds = std::max(1e-9, monotonic_seconds() - control_.rest_seconds() - began);
    control_.send("progress", {{"step", progress_.step},
                               {"steps", job_.optimiser.steps},
                               {"loss", sum.objective},
                               {"ce_loss", sum.nll / double(sum.n_targets)},
                               {"kl", job_.losses.kl_weight > 0 ? json(sum.kl / double(sum.n_targets)) : json()},
                               {"kto_kl", sum.kto_reference},
                               {"grad_norm", norm},
                               {"lr", rate},
                               {"tokens", tokens_},
                               {"tokens_per_s", double(sum.n_tokens) / seconds},
                               {"step_ms", seconds * 1000},
                               {"cpu_ms", (cpu_seconds() - cpu_began) * 1000},
                               {"rss_mb", resident_mb()},
                               {"peak_rss_mb", peak_resident_mb()}});
  }

  const Job & job_;
  Setup & setup_;
  Control & control_;
  Optimiser optimiser_;
  Objective objective_;
  ExampleOrder order_;
  const std::string identity_; // empty when there is no checkpoint to tell apart
  Progress progress_;
  int64_t tokens_ = 0, last_checkpoint_ = 0; // 0: none
  double started_ = 0;
  json first_loss_, final_loss_;
};
} // namespace

void run_train(const Job & job, Control & control) {
  Setup setup = set_up(job, control);
  const json memory_plan = plan_memory(job, setup, control);
  Training training(job, setup, control);
  send_plan(job, setup, memory_plan, training.step(), control);
  if (job.paused) control.start_paused();
  control.set_state("running");
  try {
    training.run();
  } catch (const StopRequested &) {
    control.set_state("finishing");
    training.checkpoint();
    control.send("done", {{"path", nullptr}, {"sha256", nullptr}, {"stopped", true}, {"metrics", training.totals()}});
    return;
  }
  control.set_state("finishing");
  setup.adapter->save(job.out);
  control.send("done", {{"path", job.out}, {"sha256", sha256_file(job.out)}, {"stopped", false}, {"metrics", training.totals()}});
}
