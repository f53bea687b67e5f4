#pragma once

#include "device.hpp"

#include <array>
#include <cstdint>
#include <ggml.h>
#include <gguf.h>
#include <memory>
#include <string>
#include <unordered_map>
#include <cstring>
#include <vector>

/** The matrices of a layer that can carry an adapter, in the order used everywhere. */
enum Target { target_q, target_k, target_v, target_o, target_gate, target_up, target_down, n_targets };
/** Protocol names (q, k, ...) and GGUF names (attn_q, ...). */
extern const std::array<const char *, n_targets> target_names, target_tensors;

/** Shape of a model. Sizes in elements. */
struct Shape {
  std::string architecture;
  int64_t n_layer, n_embd, n_head, n_kv, head_dim, n_ff, n_vocab, n_ctx;
  float rms_eps, rope_base, rope_scale;
  int rope_mode; // GGML_ROPE_TYPE_*
};

/** A frozen matrix: weight [in, out], optional bias [out], optional resident transposed copy [out, in]. */
struct Matrix {
  ggml_tensor * weight = nullptr;
  ggml_tensor * bias = nullptr;
  ggml_tensor * transposed = nullptr;
};

/** Tensors of one layer; q_norm and k_norm are null except for qwen3. */
struct Layer {
  ggml_tensor *attn_norm = nullptr, *ffn_norm = nullptr, *q_norm = nullptr, *k_norm = nullptr;
  std::array<Matrix, n_targets> matrices;
};

/** A base model, frozen. Tensors live as long as this object. */
class Model {
public:
  /**
   * Reads and checks a GGUF. On the CPU the file is mapped, so that its pages are shared with other users of it.
   *
   * Throws E_MODEL_UNREADABLE, E_MODEL_TRUNCATED, E_MODEL_INVALID, E_ARCH_UNSUPPORTED.
   */
  Model(const std::string & path, Device & device);
  ~Model();
  Model(const Model &) = delete;
  Model & operator=(const Model &) = delete;

  /** Makes a Q8_0 transposed copy of every layer matrix and of the output (about 1.06 bytes per weight). */
  void make_transposed();
  /** Bytes make_transposed would take. */
  size_t transposed_bytes() const;

  Shape shape;
  std::vector<Layer> layers;
  ggml_tensor *embeddings = nullptr, *output_norm = nullptr, *rope_freqs = nullptr;
  Matrix output; // the embeddings when tied
  bool is_mapped = false;
  size_t weight_bytes = 0;
  /** SHA-256 over the size, the metadata and 4 KiB of every tensor: names the base in adapters and checkpoints. */
  std::string fingerprint;

private:
  /** The public constructor delegates to this one, so that the destructor runs when a file is refused. */
  explicit Model(Device & device) : device_(device) {}
  ggml_tensor * take(const std::string & name, std::initializer_list<int64_t> shape, bool required);
  void read_shape();
  void read_layers();
  void check_extent(const std::string & path);
  void place(const std::string & path);
  double number(const std::string & key, double fallback, bool required);

  Device & device_;
  gguf_context * gguf_ = nullptr;
  ggml_context *meta_ = nullptr, *transposed_meta_ = nullptr;
  ggml_backend_buffer_t buffer_ = nullptr, transposed_buffer_ = nullptr;
  void * mapping_ = nullptr;
  size_t mapping_size_ = 0;
  std::unordered_map<std::string, bool> taken_;
};
