#include "job.hpp"

#include "error.hpp"
#include "schema.hpp"

#include <cmath>

using nlohmann::json;

namespace {
std::string optional_string(const json & value, const char * key) {
  return value.contains(key) && value.at(key).is_string() ? value.at(key).get<std::string>() : "";
}
} // namespace

Job read_job(json raw) {
  Job job;
  job.mode = raw.at("mode");
  job.model = raw.at("model");
  job.data = optional_string(raw, "data");
  job.out = optional_string(raw, "out");
  job.resume = optional_string(raw, "resume");
  job.init_adapter = optional_string(raw, "init_adapter");
  job.backend = raw.at("backend");
  job.backward = raw.at("backward");
  job.activations = raw.at("activations");
  job.threads = raw.at("threads");
  job.seed = raw.at("seed");
  job.paused = raw.at("paused");
  job.token_losses = raw.at("token_losses");
  job.base_losses = raw.at("base_losses");
  if (raw.contains("memory_budget_mb") && raw.at("memory_budget_mb").is_number()) job.memory_budget_mb = raw.at("memory_budget_mb");
  if (raw.contains("checkpoint") && raw.at("checkpoint").is_object()) {
    job.checkpoint = raw.at("checkpoint").at("path");
    job.checkpoint_every = raw.at("checkpoint").at("every_steps");
  }
  const json & lora = raw.at("lora");
  job.lora.rank = lora.at("rank");
  job.lora.alpha = lora.at("alpha");
  if (lora.at("rslora").get<bool>()) job.lora.alpha *= std::sqrt(float(job.lora.rank)); // alpha / sqrt(r) as the alpha / r that loaders know
  job.lora.dropout = lora.at("dropout");
  for (const json & name : lora.at("targets")) {
    for (size_t t = 0; t < n_targets; t++) job.lora.targets[t] = job.lora.targets[t] || name == target_names[t];
  }
  const json & o = raw.at("optimiser");
  job.optimiser.lr = o.at("lr");
  job.optimiser.lr_b_ratio = o.at("lr_b_ratio");
  job.optimiser.beta1 = o.at("beta1");
  job.optimiser.beta2 = o.at("beta2");
  job.optimiser.eps = o.at("eps");
  job.optimiser.weight_decay = o.at("weight_decay");
  job.optimiser.clip_norm = o.at("clip_norm");
  job.optimiser.warmup_steps = o.at("warmup_steps");
  job.optimiser.schedule = o.at("schedule");
  job.optimiser.steps = o.at("steps");
  job.accumulate = o.at("accumulate");
  job.sequences = o.at("sequences_per_step");
  job.max_tokens = o.at("max_tokens");
  const json & l = raw.at("losses");
  job.losses.kl_weight = l.at("kl_weight");
  job.losses.kto_beta = l.at("kto_beta");
  job.losses.kto_desirable = l.at("kto_desirable_weight");
  job.losses.kto_undesirable = l.at("kto_undesirable_weight");
  job.losses.kto_mismatched = l.at("kto_reference") == "mismatched";
  job.losses.dpo_beta = l.at("dpo_beta");
  if (job.mode != "probe" && job.data.empty()) throw TrainerError("E_TRAINER_USAGE", "job.data is missing");
  const bool measures = job.mode == "evaluate" || job.mode == "score";
  if (measures && !job.base_losses && job.init_adapter.empty()) throw TrainerError("E_TRAINER_USAGE", "job.base_losses is false, and there is no job.init_adapter to measure");
  if (job.mode == "train" && job.out.empty()) throw TrainerError("E_TRAINER_USAGE", "job.out is missing");
  if (std::find(job.lora.targets.begin(), job.lora.targets.end(), true) == job.lora.targets.end()) throw TrainerError("E_TRAINER_USAGE", "job.lora.targets is empty");
  job.raw = std::move(raw);
  return job;
}

/** Code, libraries' data and threads' buffers that the first step brings in (measured: 5.5 MiB on Q8_0, 100M shape), MiB. */
constexpr double first_step_mb = 6;

Setup set_up(const Job & job, Control & control) {
  Setup setup;
  control.set_state("loading");
  setup.process_mb = resident_mb() + first_step_mb;
  setup.device = std::make_unique<Device>(job.backend == "auto" ? "cpu" : job.backend, job.threads);
  setup.model = std::make_unique<Model>(job.model, *setup.device);
  setup.data = read_data(job.data, setup.model->shape.n_vocab, job.max_tokens);
  LoraOptions lora = job.lora;
  if (!job.init_adapter.empty()) {
    const LoraOptions stored = Adapter::read_options(job.init_adapter, *setup.model);
    const json & asked = job.raw.at("lora");
    if (job.mode == "train" && (stored.rank != lora.rank || stored.targets != lora.targets)) {
      throw TrainerError("E_ADAPTER_MISMATCH", text("the adapter has rank %d where %d was asked for, or other target matrices", stored.rank, asked.at("rank").get<int>()));
    }
    lora.rank = stored.rank;
    lora.alpha = stored.alpha;
    lora.targets = stored.targets;
  }
  if (job.mode == "train" || !job.init_adapter.empty()) {
    setup.adapter = std::make_unique<Adapter>(*setup.model, *setup.device, lora, job.mode == "train" ? Adapter::Use::train : Adapter::Use::measure);
    if (job.init_adapter.empty()) setup.adapter->initialise(job.seed);
    else setup.adapter->load(job.init_adapter);
  }
  return setup;
}

void send_plan(const Job & job, const Setup & setup, const json & memory_plan, int64_t first_step, Control & control) {
  control.send("plan", {{"mode", job.mode},
                        {"backend", setup.device->name},
                        {"device", setup.device->description},
                        {"kernels", setup.device->kernels != nullptr ? setup.device->kernels->name : "ggml"},
                        {"architecture", setup.model->shape.architecture},
                        {"backward", memory_plan.at("backward")},
                        {"keep_activations", memory_plan.at("keep_activations")},
                        {"kept_layers", memory_plan.at("kept_layers")},
                        {"whole_layers", memory_plan.at("whole_layers")},
                        {"weights", setup.model->is_mapped ? "mmap" : "copied"},
                        {"memory_mb", memory_plan.at("memory_mb")},
                        {"trainable_parameters", setup.adapter != nullptr ? setup.adapter->size : 0},
                        {"examples", setup.data.examples.size()},
                        {"tokens", setup.data.n_tokens},
                        {"steps", job.mode == "train" ? job.optimiser.steps : int64_t(setup.data.examples.size())},
                        {"first_step", first_step},
                        {"reason", memory_plan.at("reason")}});
}

json metrics(int64_t steps, int64_t tokens, const json & first_loss, const json & final_loss, double seconds) {
  return {{"steps", steps},
          {"tokens", tokens},
          {"first_loss", first_loss},
          {"final_loss", final_loss},
          {"seconds", seconds},
          {"cpu_seconds", cpu_seconds()},
          {"tokens_per_s", seconds > 0 ? double(tokens) / seconds : 0.0},
          {"peak_rss_mb", peak_resident_mb()}};
}
