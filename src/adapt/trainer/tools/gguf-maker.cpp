// asls-gguf-maker: writes a GGUF with random weights in a real shape, for tests and benchmarks. The same arguments give the same bytes.
//
//   asls-gguf-maker --arch llama|qwen2|qwen3 --shape tiny|100m|qwen05b --type f32|f16|bf16|q8_0|q4_0|q4_k|q6_k|iq4_nl|... --seed N --out file
//                   [--untied] [--rope-freqs] [--head-dim N]
//
// Projections end in a small gain so that the random net neither explodes nor dies; norms are near 1.

#include "atomic-file.hpp"
#include "error.hpp"
#include "random.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <ggml.h>
#include <gguf.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {
struct Size {
  int64_t n_layer, n_embd, n_head, n_kv, n_ff, n_vocab;
};

const std::map<std::string, Size> sizes = {
    {"tiny", {3, 256, 8, 2, 512, 512}},        // every K-quant needs rows of 256
    {"narrow", {2, 96, 6, 3, 160, 300}},       // nothing is a multiple of 64
    {"100m", {12, 768, 12, 4, 2048, 32000}},   // docs/trainer.md's benchmark shape
    {"qwen05b", {24, 896, 14, 2, 4864, 151936}},
};

ggml_type type_of(const std::string & wanted) {
  for (int t = 0; t < GGML_TYPE_COUNT; t++) {
    const char * name = ggml_type_name(ggml_type(t));
    if (name != nullptr && strcasecmp(name, wanted.c_str()) == 0) return ggml_type(t);
  }
  throw TrainerError("E_TRAINER_USAGE", "unknown weight type " + wanted);
}

/** Writes tensors one by one, so that a large model is never in memory as F32. */
class Maker {
public:
  Maker(uint64_t seed, ggml_type type) : seed_(seed), type_(type), gguf_(gguf_init_empty()) {
    meta_ = ggml_init({ggml_tensor_overhead() * 4096, nullptr, true});
  }
  ~Maker() {
    ggml_free(meta_);
    gguf_free(gguf_);
  }
  Maker(const Maker &) = delete;
  Maker & operator=(const Maker &) = delete;

  gguf_context * gguf() { return gguf_; }

  void matrix(const std::string & name, int64_t n_in, int64_t n_out, float gain) {
    add(name, n_in % ggml_blck_size(type_) == 0 ? type_ : GGML_TYPE_F32, n_in, n_out, 0, gain / std::sqrt(float(n_in)));
  }
  void vector(const std::string & name, int64_t n, float mean, float spread) { add(name, GGML_TYPE_F32, n, 1, mean, spread); }

  void write(const std::string & path) {
    write_file_atomically(path, [&](FILE * file) {
      std::vector<uint8_t> meta(gguf_get_meta_size(gguf_));
      gguf_get_meta_data(gguf_, meta.data());
      bool ok = fwrite(meta.data(), 1, meta.size(), file) == meta.size();
      for (size_t i = 0; ok && i < tensors_.size(); i++) ok = write_tensor(file, tensors_[i], i);
      return ok;
    });
  }

private:
  struct Tensor {
    ggml_tensor * tensor;
    float mean, spread;
  };

  void add(const std::string & name, ggml_type type, int64_t n_in, int64_t n_out, float mean, float spread) {
    ggml_tensor * t = n_out == 1 ? ggml_new_tensor_1d(meta_, type, n_in) : ggml_new_tensor_2d(meta_, type, n_in, n_out);
    ggml_set_name(t, name.c_str());
    gguf_add_tensor(gguf_, t);
    tensors_.push_back({t, mean, spread});
  }

  bool write_tensor(FILE * file, const Tensor & t, size_t number) const {
    const Random random(seed_, number);
    const int64_t n_in = t.tensor->ne[0], n_out = t.tensor->ne[1];
    std::vector<float> row(static_cast<size_t>(n_in));
    std::vector<uint8_t> packed(ggml_row_size(t.tensor->type, n_in));
    size_t written = 0;
    for (int64_t o = 0; o < n_out; o++) {
      for (int64_t i = 0; i < n_in; i++) {
        // sum of three uniforms: bell-shaped, variance 1 after the factor 2
        const auto n = uint64_t(o * n_in + i) * 3;
        row[size_t(i)] = t.mean + t.spread * 2 * (random.unit(n) + random.unit(n + 1) + random.unit(n + 2) - 1.5f);
      }
      ggml_quantize_chunk(t.tensor->type, row.data(), packed.data(), 0, 1, n_in, nullptr);
      if (fwrite(packed.data(), 1, packed.size(), file) != packed.size()) return false;
      written += packed.size();
    }
    const std::vector<uint8_t> padding((32 - written % 32) % 32, 0);
    return fwrite(padding.data(), 1, padding.size(), file) == padding.size();
  }

  uint64_t seed_;
  ggml_type type_;
  gguf_context * gguf_;
  ggml_context * meta_;
  std::vector<Tensor> tensors_;
};

/** A byte-level vocabulary that llama.cpp loads: three specials, 256 bytes, and made-up pieces up to the size. */
void add_vocabulary(gguf_context * gguf, int64_t n_vocab) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {2, 3, 3};
  for (int i = 0; i < 256; i++) {
    tokens.push_back(text("<0x%02X>", i));
    types.push_back(6);
  }
  while (int64_t(tokens.size()) < n_vocab) {
    tokens.push_back("t" + std::to_string(tokens.size()));
    types.push_back(1);
  }
  std::vector<const char *> pointers;
  std::vector<float> scores(tokens.size(), 0);
  for (const std::string & token : tokens) pointers.push_back(token.c_str());
  gguf_set_val_str(gguf, "tokenizer.ggml.model", "llama");
  gguf_set_arr_str(gguf, "tokenizer.ggml.tokens", pointers.data(), pointers.size());
  gguf_set_arr_data(gguf, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
  gguf_set_arr_data(gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
  gguf_set_val_u32(gguf, "tokenizer.ggml.bos_token_id", 1);
  gguf_set_val_u32(gguf, "tokenizer.ggml.eos_token_id", 2);
  gguf_set_val_u32(gguf, "tokenizer.ggml.unknown_token_id", 0);
}

void make(const std::map<std::string, std::string> & options) {
  const auto option = [&](const char * key, const char * fallback) { return options.count(key) ? options.at(key) : std::string(fallback); };
  const std::string arch = option("arch", "llama");
  if (arch != "llama" && arch != "qwen2" && arch != "qwen3") throw TrainerError("E_TRAINER_USAGE", "unknown architecture " + arch);
  if (!sizes.count(option("shape", "tiny"))) throw TrainerError("E_TRAINER_USAGE", "unknown shape " + option("shape", ""));
  if (!options.count("out")) throw TrainerError("E_TRAINER_USAGE", "--out is missing");
  const Size s = sizes.at(option("shape", "tiny"));
  const int64_t head_dim = options.count("head-dim") ? std::stoll(options.at("head-dim")) : s.n_embd / s.n_head;
  const int64_t n_q = head_dim * s.n_head, n_k = head_dim * s.n_kv;
  Maker maker(std::stoull(option("seed", "1")), type_of(option("type", "f32")));
  gguf_context * g = maker.gguf();
  const auto key = [&](const char * name) { return arch + "." + name; };
  gguf_set_val_str(g, "general.architecture", arch.c_str());
  gguf_set_val_str(g, "general.name", "random weights");
  gguf_set_val_u32(g, key("block_count").c_str(), uint32_t(s.n_layer));
  gguf_set_val_u32(g, key("context_length").c_str(), 4096);
  gguf_set_val_u32(g, key("embedding_length").c_str(), uint32_t(s.n_embd));
  gguf_set_val_u32(g, key("feed_forward_length").c_str(), uint32_t(s.n_ff));
  gguf_set_val_u32(g, key("attention.head_count").c_str(), uint32_t(s.n_head));
  gguf_set_val_u32(g, key("attention.head_count_kv").c_str(), uint32_t(s.n_kv));
  gguf_set_val_u32(g, key("attention.key_length").c_str(), uint32_t(head_dim));
  gguf_set_val_u32(g, key("attention.value_length").c_str(), uint32_t(head_dim));
  gguf_set_val_u32(g, key("rope.dimension_count").c_str(), uint32_t(head_dim));
  gguf_set_val_f32(g, key("rope.freq_base").c_str(), 10000);
  gguf_set_val_f32(g, key("attention.layer_norm_rms_epsilon").c_str(), 1e-5f);
  add_vocabulary(g, s.n_vocab);
  maker.matrix("token_embd.weight", s.n_embd, s.n_vocab, 1.5f);
  maker.vector("output_norm.weight", s.n_embd, 1, 0.05f);
  if (options.count("untied")) maker.matrix("output.weight", s.n_embd, s.n_vocab, 1.5f);
  if (options.count("rope-freqs")) maker.vector("rope_freqs.weight", head_dim / 2, 2, 0.4f);
  for (int64_t l = 0; l < s.n_layer; l++) {
    const std::string p = "blk." + std::to_string(l) + ".";
    maker.vector(p + "attn_norm.weight", s.n_embd, 1, 0.05f);
    maker.matrix(p + "attn_q.weight", s.n_embd, n_q, 1);
    maker.matrix(p + "attn_k.weight", s.n_embd, n_k, 1);
    maker.matrix(p + "attn_v.weight", s.n_embd, n_k, 1);
    maker.matrix(p + "attn_output.weight", n_q, s.n_embd, 0.5f);
    if (arch == "qwen2") {
      maker.vector(p + "attn_q.bias", n_q, 0, 0.1f);
      maker.vector(p + "attn_k.bias", n_k, 0, 0.1f);
      maker.vector(p + "attn_v.bias", n_k, 0, 0.1f);
    }
    if (arch == "qwen3") {
      maker.vector(p + "attn_q_norm.weight", head_dim, 1, 0.05f);
      maker.vector(p + "attn_k_norm.weight", head_dim, 1, 0.05f);
    }
    maker.vector(p + "ffn_norm.weight", s.n_embd, 1, 0.05f);
    maker.matrix(p + "ffn_gate.weight", s.n_embd, s.n_ff, 1);
    maker.matrix(p + "ffn_up.weight", s.n_embd, s.n_ff, 1);
    maker.matrix(p + "ffn_down.weight", s.n_ff, s.n_embd, 0.5f);
  }
  maker.write(options.at("out"));
}
} // namespace

int main(int argc, char ** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i < argc; i++) {
    const std::string name = argv[i];
    if (name.rfind("--", 0) != 0) {
      fprintf(stderr, "usage: asls-gguf-maker --arch llama|qwen2|qwen3 --shape tiny|narrow|100m|qwen05b --type TYPE --seed N --out FILE [--untied] [--rope-freqs] [--head-dim N]\n");
      return 2;
    }
    const bool flag = name == "--untied" || name == "--rope-freqs" || i + 1 >= argc;
    options[name.substr(2)] = flag ? "" : argv[++i];
  }
  try {
    make(options);
    return 0;
  } catch (const std::exception & error) {
    fprintf(stderr, "asls-gguf-maker: %s\n", error.what());
    return 2;
  }
}
