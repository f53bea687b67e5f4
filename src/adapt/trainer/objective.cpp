#include "objective.hpp"

#include <cmath>

namespace {
/** References are remembered up to this many bytes; then all are forgotten and computed again. */
constexpr size_t reference_limit = size_t(32) << 20;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double log_sigmoid(double x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }

double sum(const std::vector<float> & values, const Segment & range) {
  double total = 0;
  for (int64_t i = 0; i < range.size; i++) total += values[size_t(range.from + i)];
  return total;
}
} // namespace

const Objective::Reference & Objective::reference(const std::vector<int32_t> & tokens, const Spans & spans, const std::string & key) {
  const auto known = references_.find(key);
  if (known != references_.end()) return known->second;
  Batch batch;
  batch.append(tokens, spans);
  engine_.forward(batch, false, false);
  Reference reference{sum(engine_.head(batch, {}).log_probability, {0, int64_t(batch.target_rows.size())}), {}};
  if (options_.kl_weight > 0) reference.hidden = engine_.hidden(batch);
  const size_t bytes = reference.hidden.size() * sizeof(float) + 128;
  if (reference_bytes_ + bytes > reference_limit) {
    references_.clear();
    reference_bytes_ = 0;
  }
  reference_bytes_ += bytes;
  return references_[key] = std::move(reference);
}

double Objective::mismatched_reference(const std::vector<const Example *> & group) {
  // E_x KL(adapter || base) estimated by each prompt with the next example's answer, which is neither's (arXiv 2402.01306, section 4.2).
  std::vector<const Example *> kto;
  for (const Example * e : group) {
    if (e->kind == Kind::kto) kto.push_back(e);
  }
  if (kto.size() < 2) return 0;
  double total = 0;
  for (size_t i = 0; i < kto.size(); i++) {
    const Example &prompt = *kto[i], &answer = *kto[(i + 1) % kto.size()];
    const int64_t cut = prompt.targets.front().first, start = answer.targets.front().first;
    std::vector<int32_t> tokens(prompt.tokens.begin(), prompt.tokens.begin() + cut);
    tokens.insert(tokens.end(), answer.tokens.begin() + start, answer.tokens.end());
    Spans spans;
    for (const auto & [from, to] : answer.targets) spans.emplace_back(from - start + cut, to - start + cut);
    if (tokens.size() > prompt.tokens.size() + answer.tokens.size()) continue;
    Batch batch;
    batch.append(tokens, spans);
    const Segment all{0, int64_t(batch.target_rows.size())};
    engine_.forward(batch, true, false);
    const double adapted = sum(engine_.head(batch, {}).log_probability, all);
    engine_.forward(batch, false, false);
    total += adapted - sum(engine_.head(batch, {}).log_probability, all);
  }
  return std::max(0.0, total / double(kto.size()));
}

GroupLoss Objective::accumulate(const std::vector<const Example *> & group, int64_t n_examples, uint64_t dropout_stream) {
  return run(group, n_examples, nullptr, true, dropout_stream);
}

GroupLoss Objective::measure(const std::vector<const Example *> & group, int64_t n_examples, const double * z0) {
  return run(group, n_examples, z0, false, 0);
}

GroupLoss Objective::run(const std::vector<const Example *> & group, int64_t n_examples, const double * z0, bool gradient, uint64_t dropout_stream) {
  GroupLoss loss;
  Batch batch;
  batch.dropout_stream = dropout_stream;
  std::vector<double> base; // log-probability of each sequence with the adapter off
  std::vector<float> base_hidden;
  bool compares = false;
  const auto add = [&](const Example & e, bool rejected) {
    const auto & tokens = rejected ? e.rejected : e.tokens;
    const Spans & spans = rejected ? e.rejected_targets : e.targets;
    base.push_back(0);
    if (e.kind != Kind::ce || options_.kl_weight > 0) {
      const Reference & known = reference(tokens, spans, e.id + (rejected ? "\n-" : "\n+"));
      base.back() = known.log_probability;
      base_hidden.insert(base_hidden.end(), known.hidden.begin(), known.hidden.end());
    }
    batch.append(tokens, spans);
  };
  for (const Example * e : group) {
    compares = compares || e->kind != Kind::ce;
    add(*e, false);
    if (e->kind == Kind::dpo) add(*e, true);
  }
  if (z0 != nullptr) loss.kto_reference = *z0;
  else if (options_.kto_mismatched) loss.kto_reference = mismatched_reference(group);

  engine_.forward(batch, true, gradient);
  const size_t n_targets = batch.target_rows.size();
  std::vector<float> coefficients(n_targets), kl_coefficients;
  HeadJob job;
  if (options_.kl_weight > 0) {
    job.base_hidden = &base_hidden;
    kl_coefficients.resize(n_targets);
    job.kl_coefficients = gradient ? &kl_coefficients : nullptr;
  }
  HeadResult result;
  // Cross-entropy's coefficients are known beforehand; the others depend on the log-probabilities of the whole answer.
  if (compares || !gradient) result = engine_.head(batch, {nullptr, nullptr, job.base_hidden, false});

  size_t sequence = 0;
  const auto fill = [&](size_t s, double per_token) {
    for (int64_t i = 0; i < batch.segment_targets[s].size; i++) coefficients[size_t(batch.segment_targets[s].from + i)] = float(per_token);
  };
  std::vector<double> weights; // weight / n_examples of each sequence
  for (const Example * e : group) {
    const double weight = double(e->weight) / double(n_examples);
    const size_t first = sequence++;
    weights.push_back(weight);
    if (e->kind == Kind::ce) {
      fill(first, weight / double(batch.segment_targets[first].size));
      continue;
    }
    const double r = sum(result.log_probability, batch.segment_targets[first]) - base[first];
    if (e->kind == Kind::kto) {
      const double lambda = e->desirable ? options_.kto_desirable : options_.kto_undesirable, sign = e->desirable ? 1 : -1;
      const double s = sigmoid(sign * options_.kto_beta * (r - loss.kto_reference));
      loss.objective += weight * lambda * (1 - s);
      fill(first, weight * lambda * sign * options_.kto_beta * s * (1 - s)); // d loss / d(-log p)
      continue;
    }
    const size_t second = sequence++;
    weights.push_back(weight);
    const double margin = options_.dpo_beta * (r - (sum(result.log_probability, batch.segment_targets[second]) - base[second]));
    loss.objective += weight * -log_sigmoid(margin);
    const double slope = weight * options_.dpo_beta * sigmoid(-margin);
    fill(first, slope);
    fill(second, -slope);
  }
  for (size_t s = 0; s < weights.size() && !kl_coefficients.empty(); s++) {
    const Segment & range = batch.segment_targets[s];
    for (int64_t i = 0; i < range.size; i++) kl_coefficients[size_t(range.from + i)] = float(options_.kl_weight * weights[s] / double(range.size));
  }

  if (gradient) {
    job.coefficients = &coefficients;
    result = engine_.head(batch, job);
    engine_.backward(batch);
  }

  sequence = 0;
  for (const Example * e : group) {
    for (size_t pass = 0; pass < (e->kind == Kind::dpo ? 2u : 1u); pass++, sequence++) {
      const Segment & range = batch.segment_targets[sequence];
      const double nll = -sum(result.log_probability, range);
      if (e->kind == Kind::ce) loss.objective += weights[sequence] * nll / double(range.size);
      if (!result.kl.empty()) {
        const double kl = sum(result.kl, range);
        loss.kl += kl;
        loss.objective += options_.kl_weight * weights[sequence] * kl / double(range.size);
      }
      if (pass == 1) continue; // the rejected answer is no language-modelling target
      loss.nll += nll;
      loss.n_targets += range.size;
    }
  }
  loss.n_tokens = batch.size();
  return loss;
}
