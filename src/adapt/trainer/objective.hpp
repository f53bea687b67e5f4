#pragma once

#include "data.hpp"
#include "engine.hpp"

#include <map>

struct LossOptions {
  float kl_weight = 0, kto_beta = 0.1f, kto_desirable = 1, kto_undesirable = 1, dpo_beta = 0.1f;
  bool kto_mismatched = false;
};

/** Sums over the examples of a group. */
struct GroupLoss {
  double objective = 0; // sum of weight * loss over examples
  double nll = 0, kl = 0; // sums over target tokens
  double kto_reference = 0;
  int64_t n_targets = 0, n_tokens = 0;
};

/**
 * The objectives, as one number per example, each weighted by the example's weight and divided by the number of examples of the step:
 *
 *   ce   mean negative log-likelihood of the target tokens
 *   kto  lambda (1 - sigmoid(beta (r - z0))) when desirable, lambda (1 - sigmoid(beta (z0 - r))) when not (arXiv 2402.01306, eq. 7)
 *   dpo  -log sigmoid(beta (r_chosen - r_rejected)) (arXiv 2305.18290, eq. 7)
 *   plus kl_weight * mean KL(base || adapter) on the target tokens, for every kind
 *
 * with r = log p_adapter(answer) - log p_base(answer). The base is the same model with the adapter off.
 */
class Objective {
public:
  Objective(Engine & engine, const LossOptions & options) : engine_(engine), options_(options) {}

  /** Forward, losses and backward of one group; gradients are added up. @param n_examples of the whole step. */
  GroupLoss accumulate(const std::vector<const Example *> & group, int64_t n_examples, uint64_t dropout_stream);
  /** The same objective without gradient or dropout. @param reference z0 to use instead of the estimate, when given. */
  GroupLoss measure(const std::vector<const Example *> & group, int64_t n_examples, const double * reference);

private:
  /** Of one sequence with the adapter off. Computed alone, so that it does not depend on the group and may be remembered. */
  struct Reference {
    double log_probability;
    std::vector<float> hidden; // only for KL
  };
  const Reference & reference(const std::vector<int32_t> & tokens, const Spans & spans, const std::string & key);
  double mismatched_reference(const std::vector<const Example *> & group);
  GroupLoss run(const std::vector<const Example *> & group, int64_t n_examples, const double * z0, bool gradient, uint64_t dropout_stream);

  Engine & engine_;
  const LossOptions options_;
  std::map<std::string, Reference> references_;
  size_t reference_bytes_ = 0;
};
