// asls-gradients: checks the reverse pass. Prints one JSON object.
//
//   asls-gradients --model FILE --loss ce|kto|dpo|kl|mixed [--tokens 24] [--activations keep|part|recompute] [--backward fused|resident] [--dropout P]
//       [--weight W]   of every example; small ones make small gradients, as many examples and long answers do
//       per adapter tensor of the first, middle and last layer: the derivative along the gradient against central differences.
//       F32 models only: the forward pass of a quantised one is piecewise constant.
//   asls-gradients --model FILE --against FILE2 [--loss ...]
//       cosine of all gradients of FILE to those of FILE2 (the same model dequantised, or the same file with --against-backend).
//   asls-gradients --model FILE --dequantise OUT
//       writes FILE with every tensor as F32.

#include "atomic-file.hpp"
#include "data.hpp"
#include "error.hpp"
#include "objective.hpp"
#include "random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

using nlohmann::json;
using Options = std::map<std::string, std::string>;

namespace {
std::string option(const Options & options, const char * key, const char * fallback) { return options.count(key) ? options.at(key) : fallback; }

std::vector<Example> examples_for(const std::string & loss, int64_t n_tokens, int64_t n_vocab) {
  std::vector<Example> out;
  const Random random(11, 2);
  uint64_t n = 0;
  const auto tokens = [&](int64_t size) {
    std::vector<int32_t> t;
    for (int64_t i = 0; i < size; i++) t.push_back(int32_t(random.below(n++, uint64_t(n_vocab))));
    return t;
  };
  const auto add = [&](Kind kind, int64_t size, bool desirable) {
    Example e;
    e.id = "e" + std::to_string(out.size());
    e.kind = kind;
    e.weight = 1.0f - 0.2f * float(out.size());
    e.tokens = tokens(size);
    e.targets = {{size / 3, size / 2}, {size / 2 + 1, size}};
    e.desirable = desirable;
    if (kind == Kind::dpo) {
      e.rejected = tokens(size - 3);
      e.rejected_targets = {{size / 3, size - 3}};
    }
    out.push_back(e);
  };
  if (loss == "ce" || loss == "kl" || loss == "mixed") add(Kind::ce, n_tokens, false);
  if (loss == "ce" || loss == "kl") add(Kind::ce, n_tokens - 5, false);
  if (loss == "kto" || loss == "mixed") add(Kind::kto, n_tokens - 2, true);
  if (loss == "kto" || loss == "mixed") add(Kind::kto, n_tokens - 7, false);
  if (loss == "dpo" || loss == "mixed") add(Kind::dpo, n_tokens, false);
  if (out.empty()) throw TrainerError("E_TRAINER_USAGE", "unknown loss " + loss);
  return out;
}

/** A model with a random adapter and its gradient of one group. */
struct Run {
  Run(const Options & options, const std::string & path, const std::string & backend) : device(backend, 1), model(path, device) {
    LoraOptions lora;
    lora.rank = std::stoi(option(options, "rank", "4"));
    lora.alpha = float(2 * lora.rank);
    lora.dropout = std::stof(option(options, "dropout", "0"));
    lora.targets.fill(true);
    adapter = std::make_unique<Adapter>(model, device, lora, Adapter::Use::train);
    adapter->initialise(5);
    const Random random(8, 8);
    adapter->for_each_pair([&](const LoraPair & pair) { // b must not be zero, or a has no gradient
      for (size_t i = 0; i < size_t(pair.n_out * lora.rank); i++) adapter->parameters[pair.b_offset + i] = 0.1f * (random.unit(pair.b_offset + i) - 0.5f);
    });
    adapter->upload();
    if (option(options, "backward", device.kernels != nullptr ? "fused" : "resident") == "resident") model.make_transposed();
    const std::string loss = option(options, "loss", "ce");
    examples = examples_for(loss, std::stoll(option(options, "tokens", "24")), model.shape.n_vocab);
    for (Example & e : examples) {
      e.weight *= std::stof(option(options, "weight", "1"));
      group.push_back(&e);
    }
    int64_t n_tokens = 0, n_targets = 0;
    for (const Example & e : examples) {
      n_tokens += e.n_tokens();
      n_targets += e.n_targets() + Example::count(e.rejected_targets);
    }
    const std::string activations = option(options, "activations", "keep");
    const std::pair<int64_t, int64_t> kept = activations == "keep" ? std::pair(model.shape.n_layer, model.shape.n_layer) : activations == "part" ? std::pair(model.shape.n_layer - 1, int64_t(1)) : std::pair(int64_t(0), int64_t(0));
    engine = std::make_unique<Engine>(device, model, adapter.get(), Engine::Options{n_tokens, n_targets, true, kept.first, kept.second, 3}, [] {});
    LossOptions losses;
    losses.kl_weight = loss == "kl" || loss == "mixed" ? 0.5f : 0;
    losses.kto_beta = 0.3f; // away from the flat middle
    losses.dpo_beta = 0.3f;
    losses.kto_mismatched = loss == "kto";
    objective = std::make_unique<Objective>(*engine, losses);
  }

  double gradient() {
    adapter->zero_gradients();
    const GroupLoss loss = objective->accumulate(group, int64_t(group.size()), 4);
    adapter->download_gradients();
    reference = loss.kto_reference; // held fixed in differences: no gradient flows through it
    return loss.objective;
  }
  double value() { return objective->measure(group, int64_t(group.size()), &reference).objective; }

  Device device;
  Model model;
  std::unique_ptr<Adapter> adapter;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Objective> objective;
  std::vector<Example> examples;
  std::vector<const Example *> group;
  double reference = 0;
};

/** Relative error of the derivative along a tensor's own gradient, by central differences of two widths (Richardson). */
double relative_error(Run & run, size_t offset, size_t count) {
  float * p = run.adapter->parameters + offset;
  const std::vector<float> g(run.adapter->gradients + offset, run.adapter->gradients + offset + count), saved(p, p + count);
  double norm = 0;
  for (float x : g) norm += double(x) * x;
  norm = std::sqrt(norm);
  if (norm == 0) return 1; // a tensor without gradient is the very fault this looks for
  const auto difference = [&](double h) {
    double values[2];
    for (int side = 0; side < 2; side++) {
      for (size_t i = 0; i < count; i++) p[i] = saved[i] + float((side == 0 ? h : -h) * g[i] / norm);
      run.adapter->upload();
      values[side] = run.value();
    }
    std::copy(saved.begin(), saved.end(), p);
    run.adapter->upload();
    return (values[0] - values[1]) / (2 * h);
  };
  double best = 1;
  for (double h : {0.02, 0.05, 0.1}) { // rounding errors of F32 rule the small widths, curvature the large ones
    const double extrapolated = (4 * difference(h) - difference(2 * h)) / 3;
    best = std::min(best, std::fabs(extrapolated - norm) / norm);
  }
  return best;
}

json check_differences(const Options & options) {
  Run run(options, options.at("model"), option(options, "backend", "cpu"));
  const double loss = run.gradient();
  json tensors = json::object();
  double worst = 0;
  const int64_t n = run.model.shape.n_layer;
  std::vector<int64_t> layers = {0, n / 2, n - 1};
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  for (int64_t l : layers) {
    for (int t = 0; t < n_targets; t++) {
      const LoraPair * pair = run.adapter->pair(l, t);
      const auto rank = size_t(run.adapter->options.rank);
      for (char which : {'a', 'b'}) {
        const double error = relative_error(run, which == 'a' ? pair->a_offset : pair->b_offset, size_t(which == 'a' ? pair->n_in : pair->n_out) * rank);
        tensors["blk." + std::to_string(l) + "." + target_names[size_t(t)] + "." + which] = error;
        worst = std::max(worst, error);
      }
    }
  }
  return {{"loss", loss}, {"worst_relative_error", worst}, {"tensors", tensors}, {"kernels", run.device.kernels != nullptr ? run.device.kernels->name : "ggml"}};
}

json compare_gradients(const Options & options) {
  Run a(options, options.at("model"), option(options, "backend", "cpu"));
  Options other = options;
  for (const char * key : {"backward", "activations"}) {
    const std::string against = std::string("against-") + key;
    if (options.count(against)) other[key] = options.at(against);
  }
  Run b(other, options.at("against"), option(options, "against-backend", "cpu"));
  const double loss_a = a.gradient(), loss_b = b.gradient();
  double dot = 0, aa = 0, bb = 0, worst = 1;
  a.adapter->for_each_pair([&](const LoraPair & pair) {
    for (const auto & [offset, n] : {std::pair<size_t, size_t>(pair.a_offset, size_t(pair.n_in)), {pair.b_offset, size_t(pair.n_out)}}) {
      double d = 0, x = 0, y = 0;
      for (size_t i = 0; i < n * size_t(a.adapter->options.rank); i++) {
        const double p = a.adapter->gradients[offset + i], q = b.adapter->gradients[offset + i];
        d += p * q;
        x += p * p;
        y += q * q;
      }
      worst = std::min(worst, d / std::sqrt(x * y));
      dot += d;
      aa += x;
      bb += y;
    }
  });
  return {{"loss", loss_a}, {"loss_against", loss_b}, {"cosine", dot / std::sqrt(aa * bb)}, {"worst_tensor_cosine", worst}, {"relative_difference", std::sqrt(std::max(0.0, aa + bb - 2 * dot) / bb)}};
}

json dequantise(const Options & options) {
  ggml_context * meta = nullptr;
  gguf_context * in = gguf_init_from_file(options.at("model").c_str(), {false, &meta});
  if (in == nullptr) throw TrainerError("E_MODEL_UNREADABLE", "not a GGUF");
  gguf_context * out = gguf_init_empty();
  gguf_set_kv(out, in);
  ggml_context * tensors = ggml_init({ggml_tensor_overhead() * 4096, nullptr, true});
  std::vector<std::vector<float>> values;
  for (ggml_tensor * t = ggml_get_first_tensor(meta); t != nullptr; t = ggml_get_next_tensor(meta, t)) {
    if (gguf_find_tensor(in, t->name) < 0) continue;
    ggml_tensor * f = ggml_new_tensor(tensors, GGML_TYPE_F32, ggml_n_dims(t), t->ne);
    ggml_set_name(f, t->name);
    std::vector<float> & v = values.emplace_back(size_t(ggml_nelements(t)));
    if (t->type == GGML_TYPE_F32) memcpy(v.data(), t->data, ggml_nbytes(t));
    else ggml_get_type_traits(t->type)->to_float(t->data, v.data(), ggml_nelements(t));
    f->data = v.data();
    gguf_add_tensor(out, f);
  }
  write_file_atomically(options.at("dequantise"), [&](FILE * file) { return gguf_write_to_file_ptr(out, file, false); });
  return {{"tensors", values.size()}};
}
} // namespace

int main(int argc, char ** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) options[std::string(argv[i]).substr(2)] = argv[i + 1];
  if (!options.count("model")) {
    fputs("usage: asls-gradients --model FILE [--loss ce|kto|dpo|kl|mixed] [--against FILE2] [--dequantise OUT] (see the head of tools/gradients.cpp)\n", stderr);
    return 2;
  }
  try {
    const json result = options.count("dequantise") ? dequantise(options) : options.count("against") ? compare_gradients(options) : check_differences(options);
    printf("%s\n", result.dump().c_str());
    return 0;
  } catch (const std::exception & error) {
    fprintf(stderr, "asls-gradients: %s\n", error.what());
    return 1;
  }
}
