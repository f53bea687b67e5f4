#pragma once

#include "device.hpp"
#include "model.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

/** Shape of an adapter. */
struct LoraOptions {
  int rank = 16;
  /** As stored in the file: the effective scale is alpha / rank. */
  float alpha = 32;
  float dropout = 0;
  std::array<bool, n_targets> targets{};
  float scale() const { return alpha / float(rank); }
};

/** One adapted matrix: a [in, rank], b [rank, out] and their gradients, as tensors and as offsets into the flat arrays. */
struct LoraPair {
  ggml_tensor *a = nullptr, *b = nullptr, *da = nullptr, *db = nullptr;
  size_t a_offset = 0, b_offset = 0;
  int64_t n_in = 0, n_out = 0;
};

/** Trainable parameters and their gradients. The flat host arrays are the master copy; on the CPU the tensors are the same memory. */
class Adapter {
public:
  enum class Use { train, measure };
  /** All parameters zero. @param use measure: without memory for gradients. */
  Adapter(const Model & model, Device & device, const LoraOptions & options, Use use);
  ~Adapter();
  Adapter(const Adapter &) = delete;
  Adapter & operator=(const Adapter &) = delete;

  /** a uniform in +-1/sqrt(in) (what PEFT does), b zero. Depends on the seed, layer and target only. */
  void initialise(uint64_t seed);
  /** Reads a GGUF adapter of exactly this shape. Throws E_ADAPTER_INVALID, E_ADAPTER_MISMATCH. */
  void load(const std::string & path);
  /** Rank, alpha and targets of a GGUF adapter. Throws E_ADAPTER_INVALID, E_ADAPTER_MISMATCH. */
  static LoraOptions read_options(const std::string & path, const Model & model);
  /** Writes what llama.cpp loads; the same parameters give the same bytes. Throws E_TRAINER_WRITE. */
  void save(const std::string & path) const;

  /** The pair of a matrix, or null when it is not a target. */
  const LoraPair * pair(int64_t layer, int target) const;
  template <typename F> void for_each_pair(const F & visit) const {
    for (const auto & layer : pairs_) {
      for (const LoraPair & pair : layer) {
        if (pair.n_in > 0) visit(pair);
      }
    }
  }
  /** After the host changed `parameters`. */
  void upload();
  /** Before the host reads `gradients`. */
  void download_gradients();
  void zero_gradients();

  const LoraOptions options;
  float *parameters = nullptr, *gradients = nullptr; // gradients: null when measuring
  size_t size = 0;

private:
  /** The tensors' memory: the host's on the CPU, else the device's. */
  ggml_backend_buffer_t buffer_of(float * host) const;

  const Model & model_;
  Device & device_;
  std::vector<std::array<LoraPair, n_targets>> pairs_;
  ggml_context * meta_ = nullptr;
  ggml_backend_buffer_t parameter_buffer_ = nullptr, gradient_buffer_ = nullptr;
};
