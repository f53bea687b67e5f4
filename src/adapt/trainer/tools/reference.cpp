// asls-reference: what llama.cpp itself computes from the same file, for tests and benchmarks. Prints one JSON object.
//
//   asls-reference logits --model FILE [--adapter FILE | --random-adapter FILE] [--tokens 64] [--seed N]
//       max |difference| and relative rms of all logits, ours against libllama (F32 KV cache, no flash attention, no repacking).
//       --random-adapter makes an adapter with both halves random, writes it to FILE and uses it in both.
//   asls-reference pp --model FILE [--tokens 256] [--threads 2] [--runs 5]
//       prompt processing with libllama's defaults (what llama-bench -p measures): milliseconds per run and peak memory.
//   asls-reference losses --model FILE --data FILE [--adapter FILE]
//       mean loss of every example of a token JSONL through libllama.

#include "data.hpp"
#include "engine.hpp"
#include "error.hpp"
#include "control.hpp"
#include "random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <llama.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

using nlohmann::json;
using Options = std::map<std::string, std::string>;

namespace {
std::string option(const Options & options, const char * key, const char * fallback) { return options.count(key) ? options.at(key) : fallback; }

/** libllama's side. `exact`: F32 KV cache, no flash attention, no repacked weights. */
class Llama {
public:
  Llama(const std::string & path, const std::string & adapter, int64_t n_tokens, int threads, bool exact) {
    llama_model_params mp = llama_model_default_params();
    mp.n_gpu_layers = 0;
    mp.use_extra_bufts = !exact;
    model_.reset(llama_model_load_from_file(path.c_str(), mp));
    if (!model_) throw TrainerError("E_MODEL_UNREADABLE", "libllama does not load the model");
    llama_context_params cp = llama_context_default_params();
    cp.n_ctx = cp.n_batch = cp.n_ubatch = uint32_t(n_tokens);
    cp.n_threads = cp.n_threads_batch = threads;
    if (exact) {
      cp.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
      cp.type_k = cp.type_v = GGML_TYPE_F32;
    }
    context_.reset(llama_init_from_model(model_.get(), cp));
    if (!context_) throw TrainerError("E_TRAINER_INTERNAL", "libllama makes no context");
    if (!adapter.empty()) {
      llama_adapter_lora * lora = llama_adapter_lora_init(model_.get(), adapter.c_str());
      if (lora == nullptr) throw TrainerError("E_ADAPTER_INVALID", "libllama does not load the adapter");
      float scale = 1;
      if (llama_set_adapters_lora(context_.get(), &lora, 1, &scale) != 0) throw TrainerError("E_ADAPTER_INVALID", "libllama does not take the adapter");
    }
  }

  void decode(const std::vector<int32_t> & tokens, bool all_logits) {
    llama_memory_clear(llama_get_memory(context_.get()), true);
    llama_batch batch = llama_batch_init(int32_t(tokens.size()), 0, 1);
    batch.n_tokens = int32_t(tokens.size());
    for (size_t i = 0; i < tokens.size(); i++) {
      batch.token[i] = tokens[i];
      batch.pos[i] = llama_pos(i);
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = all_logits || i + 1 == tokens.size();
    }
    const int status = llama_decode(context_.get(), batch);
    llama_batch_free(batch);
    if (status != 0) throw TrainerError("E_TRAINER_INTERNAL", text("llama_decode returned %d", status));
  }
  const float * logits(int32_t row) { return llama_get_logits_ith(context_.get(), row); }
  int64_t n_vocab() const { return llama_vocab_n_tokens(llama_model_get_vocab(model_.get())); }

private:
  std::unique_ptr<llama_model, void (*)(llama_model *)> model_{nullptr, llama_model_free};
  std::unique_ptr<llama_context, void (*)(llama_context *)> context_{nullptr, llama_free};
};

std::vector<int32_t> random_tokens(int64_t n, int64_t n_vocab, uint64_t seed) {
  const Random random(seed, 5);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < n; i++) tokens.push_back(int32_t(random.below(uint64_t(i), uint64_t(n_vocab))));
  return tokens;
}

json compare_logits(const Options & options) {
  const std::string path = options.at("model");
  const int64_t n = std::stoll(option(options, "tokens", "64"));
  Device device("cpu", 1);
  const Model model(path, device);
  std::unique_ptr<Adapter> adapter;
  std::string adapter_path = option(options, "adapter", "");
  if (options.count("random-adapter")) {
    adapter_path = options.at("random-adapter");
    LoraOptions lora;
    lora.rank = 8;
    lora.alpha = 16;
    lora.targets.fill(true);
    adapter = std::make_unique<Adapter>(model, device, lora, Adapter::Use::measure);
    const Random random(3, 9);
    for (size_t i = 0; i < adapter->size; i++) adapter->parameters[i] = 0.2f * (random.unit(i) - 0.5f);
    adapter->save(adapter_path);
  } else if (!adapter_path.empty()) {
    adapter = std::make_unique<Adapter>(model, device, Adapter::read_options(adapter_path, model), Adapter::Use::measure);
    adapter->load(adapter_path);
  }
  Engine engine(device, model, adapter.get(), {n, 1, false, 0, 0, 0}, [] {});
  Batch batch;
  batch.append(random_tokens(n, model.shape.n_vocab, std::stoull(option(options, "seed", "1"))), {});
  engine.forward(batch, adapter != nullptr, false);
  const std::vector<float> ours = engine.logits(batch);

  Llama llama(path, adapter_path, n, 1, true);
  llama.decode(batch.tokens, true);
  double worst = 0, difference = 0, square = 0, mean = 0;
  int64_t same = 0;
  const int64_t v = model.shape.n_vocab;
  for (int64_t t = 0; t < n; t++) {
    const float *a = ours.data() + t * v, *b = llama.logits(int32_t(t));
    for (int64_t i = 0; i < v; i++) {
      worst = std::max(worst, double(std::fabs(a[i] - b[i])));
      difference += double(a[i] - b[i]) * double(a[i] - b[i]);
      square += double(b[i]) * double(b[i]);
      mean += b[i];
    }
    same += std::max_element(a, a + v) - a == std::max_element(b, b + v) - b;
  }
  return {{"max_difference", worst}, {"relative_rms", std::sqrt(difference / square)}, {"same_argmax", same}, {"tokens", n}, {"logit_rms", std::sqrt(square / double(n * v))},
          {"kernels", device.kernels != nullptr ? device.kernels->name : "ggml"}};
}

json prompt_processing(const Options & options) {
  const int64_t n = std::stoll(option(options, "tokens", "256"));
  Llama llama(options.at("model"), "", n, std::stoi(option(options, "threads", "2")), false);
  const std::vector<int32_t> tokens = random_tokens(n, llama.n_vocab(), 1);
  json wall = json::array(), cpu = json::array();
  llama.decode(tokens, false); // the first one reads the file
  for (int run = 0; run < std::stoi(option(options, "runs", "5")); run++) {
    const double began = monotonic_seconds(), cpu_began = cpu_seconds();
    llama.decode(tokens, false);
    llama.logits(-1); // waits for the result
    wall.push_back((monotonic_seconds() - began) * 1000);
    cpu.push_back((cpu_seconds() - cpu_began) * 1000);
  }
  return {{"tokens", n}, {"wall_ms", wall}, {"cpu_ms", cpu}, {"peak_rss_mb", peak_resident_mb()}};
}

json losses(const Options & options) {
  const std::string path = options.at("model"), adapter = option(options, "adapter", "");
  Llama probe(path, adapter, 4096, 1, true);
  const int64_t v = probe.n_vocab();
  json out = json::array();
  for (const Example & e : read_data(options.at("data"), v, 4096).examples) {
    probe.decode(e.tokens, true);
    double nll = 0;
    for (const auto & [from, to] : e.targets) {
      for (int64_t p = from; p < to; p++) {
        const float * row = probe.logits(int32_t(p - 1));
        const double top = *std::max_element(row, row + v);
        double sum = 0;
        for (int64_t i = 0; i < v; i++) sum += std::exp(row[i] - top);
        nll += top + std::log(sum) - row[e.tokens[size_t(p)]];
      }
    }
    out.push_back({{"id", e.id}, {"loss", nll / double(e.n_targets())}});
  }
  return {{"losses", out}};
}
} // namespace

int main(int argc, char ** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  Options options;
  for (int i = 2; i + 1 < argc; i += 2) options[std::string(argv[i]).substr(2)] = argv[i + 1];
  if ((command != "logits" && command != "pp" && command != "losses") || !options.count("model")) {
    fputs("usage: asls-reference logits|pp|losses --model FILE [options] (see the head of tools/reference.cpp)\n", stderr);
    return 2;
  }
  llama_log_set([](ggml_log_level level, const char * message, void *) {
    if (level == GGML_LOG_LEVEL_ERROR) fputs(message, stderr);
  }, nullptr);
  try {
    { const Device device("cpu", 1); } // loads the CPU backend
    const json result = command == "logits" ? compare_logits(options) : command == "pp" ? prompt_processing(options) : losses(options);
    printf("%s\n", result.dump().c_str());
    return 0;
  } catch (const std::exception & error) {
    fprintf(stderr, "asls-reference: %s\n", error.what());
    return 1;
  }
}
