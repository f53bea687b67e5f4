#include "error.hpp"
#include "job.hpp"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

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
    Adapter adapter(model, device, job.lora, Adapter::Use::train);
    adapter.initialise(job.seed);
    adapter.for_each_pair([&](const LoraPair & pair) { // b at zero would leave a without gradient
      for (size_t i = 0; i < size_t(pair.n_out * job.lora.rank); i++) adapter.parameters[pair.b_offset + i] = 0.01f * float(int(i % 7) - 3);
    });
    adapter.upload();
    if (device.kernels == nullptr || !device.kernels->fast_linear()) model.make_transposed();
    Example example{};
    example.id = "probe";
    example.kind = Kind::ce;
    example.weight = 1;
    for (int64_t i = 0; i < probe_tokens; i++) example.tokens.push_back(int32_t((i * 7919 + 13) % model.shape.n_vocab));
    example.targets = {{probe_tokens / 2, probe_tokens}};
    Engine engine(device, model, &adapter, {probe_tokens, probe_tokens / 2, true, 0, 0, job.seed}, [&] { control.between_layers(device); });
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

/** What is reported about a backend. */
struct Finding {
  std::string backend, device, reason;
  bool present = false, ran = false, correct = false;
  double cosine = 1, tokens_per_s = 0;
};

Finding compare(const std::string & name, const Outcome & outcome, const Outcome & cpu) {
  Finding f{name, outcome.device, outcome.reason, outcome.present, !outcome.gradients.empty(), false, 1, outcome.tokens_per_s};
  if (!f.ran) return f;
  f.cosine = cosine(cpu.gradients, outcome.gradients);
  f.correct = std::isfinite(outcome.loss) && f.cosine > 0.99;
  if (!f.correct) f.reason = text("gradients differ from the CPU's (cosine %.4f)", f.cosine);
  return f;
}

/** An accelerator in a process of its own: graphics drivers crash, and that is a finding, not the end of the probe. */
Finding probe_in_child(const Job & job, const std::string & name) {
  Finding f{name, "", "the probe of this backend could not be started", false, false, false, 1, 0};
  json request = job.raw;
  request["backend"] = name;
  const std::string line = json{{"v", 1}, {"type", "start"}, {"job", request}}.dump() + "\n";
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return f;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  char self[] = "/proc/self/exe";
  char * arguments[] = {self, nullptr};
  pid_t pid = 0;
  const bool started = posix_spawn(&pid, self, &actions, nullptr, arguments, environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (started && write(in[1], line.data(), line.size()) == ssize_t(line.size())) {
    FILE * stream = fdopen(out[0], "r");
    std::vector<char> buffer(1 << 16);
    while (fgets(buffer.data(), int(buffer.size()), stream) != nullptr) {
      const json message = json::parse(buffer.data(), nullptr, false);
      if (message.is_discarded()) continue;
      if (message.value("type", "") == "error") f.reason = message.value("message", "");
      if (message.value("type", "") != "probe" || message.value("backend", "") != name) continue;
      f.present = message.value("present", false);
      f.ran = message.at("tokens_per_s").is_number();
      f.reason = message.value("reason", "");
      if (!f.ran) continue;
      f.device = message.at("device");
      f.cosine = message.at("gradient_cosine");
      f.correct = message.at("correct");
      f.tokens_per_s = message.at("tokens_per_s");
    }
    fclose(stream);
  } else {
    close(out[0]);
  }
  close(in[1]);
  int status = 0;
  if (started && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && !f.ran) f.reason = text("its driver crashed (signal %d)", WTERMSIG(status));
  return f;
}
} // namespace

void run_probe(const Job & job, Control & control) {
  control.set_state("running");
  const double began = monotonic_seconds();
  const std::vector<std::string> installed = installed_backends();
  const Outcome cpu = try_backend(job, "cpu", control);
  if (cpu.gradients.empty()) throw TrainerError("E_TRAINER_BACKEND", "the CPU backend failed: " + cpu.reason);
  std::vector<Finding> findings = {compare("cpu", cpu, cpu)};
  for (const char * name : {"vulkan", "cuda"}) {
    if (job.backend != "auto" && job.backend != name) continue;
    if (std::find(installed.begin(), installed.end(), name) == installed.end()) {
      findings.push_back({name, "", text("libggml-%s.so is not installed", name), false, false, false, 1, 0});
    } else {
      findings.push_back(job.backend == "auto" ? probe_in_child(job, name) : compare(name, try_backend(job, name, control), cpu));
    }
  }
  const Finding * best = &findings[0];
  for (const Finding & f : findings) {
    if (f.correct && f.tokens_per_s > best->tokens_per_s) best = &f;
  }
  for (const Finding & f : findings) {
    std::string reason = f.reason;
    if (&f == best) reason = text("fastest correct backend: %.1f tokens/s", f.tokens_per_s);
    else if (f.correct) reason = text("%.1f tokens/s, slower than %s's %.1f", f.tokens_per_s, best->backend.c_str(), best->tokens_per_s);
    control.send("probe", {{"backend", f.backend},
                           {"present", f.present},
                           {"device", f.present && !f.device.empty() ? json(f.device) : json()},
                           {"gradient_cosine", f.ran ? json(f.cosine) : json()},
                           {"correct", f.ran ? json(f.correct) : json()},
                           {"tokens_per_s", f.ran ? json(f.tokens_per_s) : json()},
                           {"chosen", &f == best},
                           {"reason", reason}});
  }
  control.send("done", {{"path", nullptr}, {"sha256", nullptr}, {"stopped", false}, {"metrics", metrics(int64_t(findings.size()), 0, nullptr, nullptr, monotonic_seconds() - began)}});
}
