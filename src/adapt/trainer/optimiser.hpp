#pragma once

#include "adapter.hpp"
#include "pool.hpp"

#include <string>
#include <vector>

struct OptimiserOptions {
  double lr = 2e-4, lr_b_ratio = 1, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, clip_norm = 1;
  int64_t warmup_steps = 0, steps = 100;
  std::string schedule = "constant";
};

/** AdamW with decoupled decay and bias correction (arXiv 1711.05101), global-norm clipping; on the host, in a fixed order. */
class Optimiser {
public:
  Optimiser(Adapter & adapter, const OptimiserOptions & options);
  Optimiser(const Optimiser &) = delete;
  Optimiser & operator=(const Optimiser &) = delete;

  /** Rate of step `step` (0-based) under the schedule. */
  double rate(int64_t step) const;
  /** Global gradient norm; not finite when any gradient is not. */
  double gradient_norm(Pool & pool) const;
  /** One update with the adapter's gradients. @param step 0-based, for bias correction. @param norm from gradient_norm. */
  void step(int64_t step, double rate, double norm, Pool & pool);
  /** Rate under the schedule `external`, from now on. */
  void set_external_rate(double rate) { external_rate_ = rate; }
  double external_rate() const { return external_rate_; }

  const OptimiserOptions options;
  /** First and second moments, laid out as the adapter's parameters. */
  std::vector<float> first, second;

private:
  /** A half of a pair: all that one rate goes for. */
  struct Part {
    size_t offset, count;
    bool is_b;
  };
  std::vector<Part> parts() const;
  Adapter & adapter_;
  double external_rate_;
};
