#include "optimiser.hpp"

#include <cmath>

Optimiser::Optimiser(Adapter & adapter, const OptimiserOptions & options)
    : options(options), first(adapter.size, 0.0f), second(adapter.size, 0.0f), adapter_(adapter), external_rate_(options.lr) {}

double Optimiser::rate(int64_t step) const {
  const double peak = options.schedule == "external" ? external_rate_ : options.lr;
  if (step < options.warmup_steps) return peak * double(step + 1) / double(options.warmup_steps);
  if (options.schedule != "cosine") return peak;
  const double length = double(std::max<int64_t>(1, options.steps - options.warmup_steps));
  return peak * 0.5 * (1 + std::cos(M_PI * double(step - options.warmup_steps) / length));
}

std::vector<Optimiser::Part> Optimiser::parts() const {
  std::vector<Part> out;
  adapter_.for_each_pair([&](const LoraPair & pair) {
    out.push_back({pair.a_offset, size_t(pair.n_in * adapter_.options.rank), false});
    out.push_back({pair.b_offset, size_t(pair.n_out * adapter_.options.rank), true});
  });
  return out;
}

double Optimiser::gradient_norm(Pool & pool) const {
  const std::vector<Part> all = parts();
  std::vector<double> sums(all.size(), 0); // added in order, so that the number of threads changes nothing
  pool.run([&](int ith, int nth) {
    for (size_t i = size_t(ith); i < all.size(); i += size_t(nth)) {
      const float * g = adapter_.gradients + all[i].offset;
      for (size_t k = 0; k < all[i].count; k++) sums[i] += double(g[k]) * double(g[k]);
    }
  });
  double sum = 0;
  for (double part : sums) sum += part;
  return std::sqrt(sum);
}

void Optimiser::step(int64_t step, double rate, double norm, Pool & pool) {
  const float clip = options.clip_norm > 0 && norm > options.clip_norm ? float(options.clip_norm / norm) : 1.0f;
  const float b1 = float(options.beta1), b2 = float(options.beta2), eps = float(options.eps);
  const float correct1 = float(1 / (1 - std::pow(options.beta1, double(step + 1)))), correct2 = float(1 / (1 - std::pow(options.beta2, double(step + 1))));
  const auto update = [&](size_t from, size_t count, double lr) {
    const float alpha = float(lr), keep = float(1 - lr * options.weight_decay);
    float * p = adapter_.parameters + from;
    const float * g = adapter_.gradients + from;
    float *m = first.data() + from, *v = second.data() + from;
    for (size_t i = 0; i < count; i++) {
      const float gradient = g[i] * clip;
      m[i] = b1 * m[i] + (1 - b1) * gradient;
      v[i] = b2 * v[i] + (1 - b2) * gradient * gradient;
      p[i] = keep * p[i] - alpha * (m[i] * correct1) / (std::sqrt(v[i] * correct2) + eps);
    }
  };
  const std::vector<Part> all = parts();
  pool.run([&](int ith, int nth) {
    for (size_t i = size_t(ith); i < all.size(); i += size_t(nth)) update(all[i].offset, all[i].count, all[i].is_b ? rate * options.lr_b_ratio : rate);
  });
  adapter_.upload();
}
