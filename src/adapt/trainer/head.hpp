#pragma once

#include "activations.hpp"
#include "batch.hpp"
#include "graph.hpp"
#include "model.hpp"

#include <functional>
#include <vector>

/** Per target token, in the batch's order. */
struct HeadResult {
  std::vector<float> log_probability, entropy, kl;
};

/** What the head is asked for. */
struct HeadJob {
  /** d objective / d (-log p) per target; null: no gradient. */
  const std::vector<float> * coefficients = nullptr;
  /** d objective / d KL per target; null: none. Needs base_hidden. */
  const std::vector<float> * kl_coefficients = nullptr;
  /** Hidden states of the base at the target rows [n_embd x targets], from Head::hidden; null: no KL is computed. */
  const std::vector<float> * base_hidden = nullptr;
  bool entropy = false;
};

/**
 * Final norm, output matrix and losses, on the target rows only and in chunks of them, so that no [vocabulary x tokens] array exists.
 *
 * Gradient of the logits: c (p - onehot) + k (p - p_base), with p the softmax; through the matrix: W^T ((c + k) p - k p_base) - c W[target].
 */
class Head {
public:
  Head(Graph & graph, const Model & model, int64_t max_targets);
  ~Head();
  Head(const Head &) = delete;
  Head & operator=(const Head &) = delete;

  /** Reads slot_x of the last layer; with coefficients writes the gradient into slot_dx of layer n_layer. */
  HeadResult run(const Activations & activations, const Batch & batch, const HeadJob & job, const std::function<void()> & between);
  /** The final hidden states at the target rows, before the norm [n_embd x targets]. */
  std::vector<float> hidden(const Activations & activations, const Batch & batch);
  /** All logits of all rows [n_vocab x tokens], for comparisons. */
  std::vector<float> logits(const Activations & activations, const Batch & batch);

  /** Memory of the gradients at the target rows, and the scratch that a chunk needs. */
  static size_t bytes(const Shape & shape, int64_t max_targets);
  static size_t scratch_bytes(const Device & device, const Shape & shape, int64_t max_targets, bool divergence);

private:
  void run_chunk(const Activations & activations, const Batch & batch, const HeadJob & job, int64_t first, int64_t count, HeadResult & result);
  Graph & graph_;
  const Model & model_;
  int64_t max_targets_;
  ggml_backend_buffer_t rows_ = nullptr; // gradient at the target rows
};
