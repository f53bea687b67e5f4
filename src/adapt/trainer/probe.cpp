#include "error.hpp"
#include "job.hpp"

#include <cmath>

using nlohmann::json;

namespace {
constexpr int64_t probe_tokens = 64;

struct Outcome {
  bool present = false;
  std::string device, reason;
  std::vector<float> gradients;
  double loss = 0, tokens_per_s = 0;
};

/** One example of made-up tokens through the real model on a backend: gradients of the first step, speed of the second. */
Outcome try_backend(const Job & job, const std::string & name, Control & control) {
  Outcome outcome;
  try {
    Device device(name, job.threads);
    outcome.present = true;
    outcome.device = device.description;
    Model model(job.model, device);
    Adapter adapter(model, device, job.lora);
    adapter.initialise(job.seed);
    adapter.for_each_pair([&](const LoraPair & pair) { // b at zero would leave a without gradient
      for (size_t i = 0; i < size_t(pair.n_out * job.lora.rank); i++) adapter.parameters[pair.b_offset + i] = 0.01f * float(int(i % 7) - 3);
    });
    adapter.upload();
    if (device.kernels == nullptr || !device.kernels->fast_linear) model.make_transposed();
    Example example{};
    example.id = "probe";
    example.kind = Kind::ce;
    example.weight = 1;
    for (int64_t i = 0; i < probe_tokens; i++) example.tokens.push_back(int32_t((i * 7919 + 13) % model.shape.n_vocab));
    example.targets = {{probe_tokens / 2, probe_tokens}};
    Engine engine(device, model, &adapter, {probe_tokens, probe_tokens / 2, true, false, job.seed}, [&] { control.between_layers(device); });
    Objective objective(engine, job.losses);
    outcome.loss = objective.accumulate({&example}, 1, 0).objective;
    adapter.download_gradients();
    outcome.gradients.assign(adapter.gradients, adapter.gradients + adapter.size);
    const double began = monotonic_seconds() - control.rest_seconds();
    objective.accumulate({&example}, 1, 0);
    outcome.tokens_per_s = double(probe_tokens) / std::max(1e-9, monotonic_seconds() - control.rest_seconds() - began);
  } catch (const TrainerError & error) {
    // A broken model fails on every backend alike: that is the job's failure, not a finding about this one.
    if (error.code.rfind("E_MODEL", 0) == 0 || error.code == "E_ARCH_UNSUPPORTED") throw;
    outcome.reason = error.what();
  }
  return outcome;
}

double cosine(const std::vector<float> & a, const std::vector<float> & b) {
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); i++) {
    dot += double(a[i]) * b[i];
    aa += double(a[i]) * a[i];
    bb += double(b[i]) * b[i];
  }
  return dot / std::sqrt(aa * bb);
}
} // namespace

void run_probe(const Job & job, Control & control) {
  control.set_state("running");
  const double began = monotonic_seconds();
  std::vector<std::string> names = {"cpu", "vulkan", "cuda"};
  const std::vector<std::string> installed = installed_backends();
  std::vector<Outcome> outcomes;
  size_t best = 0;
  for (size_t i = 0; i < names.size(); i++) {
    const bool known = std::find(installed.begin(), installed.end(), names[i]) != installed.end();
    outcomes.push_back(known ? try_backend(job, names[i], control) : Outcome{});
    if (!known) outcomes.back().reason = "libggml-" + names[i] + ".so is not installed";
  }
  std::vector<double> cosines(names.size(), 1);
  for (size_t i = 1; i < names.size(); i++) {
    if (outcomes[i].gradients.empty()) continue;
    cosines[i] = cosine(outcomes[0].gradients, outcomes[i].gradients);
    const bool correct = std::isfinite(outcomes[i].loss) && cosines[i] > 0.99;
    if (correct && outcomes[i].tokens_per_s > outcomes[best].tokens_per_s) best = i;
  }
  for (size_t i = 0; i < names.size(); i++) {
    const Outcome & o = outcomes[i];
    const bool ran = !o.gradients.empty();
    const bool correct = ran && std::isfinite(o.loss) && cosines[i] > 0.99;
    std::string reason = o.reason;
    if (ran && i == best) reason = text("fastest correct backend: %.1f tokens/s", o.tokens_per_s);
    else if (ran) reason = correct ? text("%.1f tokens/s, slower than %s's %.1f", o.tokens_per_s, names[best].c_str(), outcomes[best].tokens_per_s) : text("gradients differ from the CPU's (cosine %.4f)", cosines[i]);
    control.send("probe", {{"backend", names[i]},
                           {"present", o.present},
                           {"device", o.present ? json(o.device) : json()},
                           {"gradient_cosine", ran ? json(cosines[i]) : json()},
                           {"correct", ran ? json(correct) : json()},
                           {"tokens_per_s", ran ? json(o.tokens_per_s) : json()},
                           {"chosen", ran && i == best},
                           {"reason", reason}});
  }
  control.send("done", {{"path", nullptr}, {"sha256", nullptr}, {"stopped", false}, {"metrics", metrics(int64_t(names.size()), 0, nullptr, nullptr, monotonic_seconds() - began)}});
}
