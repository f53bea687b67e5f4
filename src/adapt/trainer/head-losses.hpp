#pragma once

#include "graph.hpp"
#include "model.hpp"
#include "ops.hpp"

#include <vector>

/** Some target rows on their way through the head. The vectors receive a value per row when the graph has run. */
struct Chunk {
  ggml_tensor *logits, *base_logits; // [n_vocab x count]; the base's: null without divergence
  const int32_t * targets;
  int64_t count;
  const float *coefficients, *kl_coefficients; // null: none
  std::vector<float> log_probability, entropy, kl;
};

/** Softmax, losses and their gradient through the output matrix: our own kernel on the CPU, ggml's operations elsewhere. */
class HeadLosses {
public:
  /** All of them must outlive this object, and it the run. */
  HeadLosses(Graph & graph, Ops & ops, const Model & model, Chunk & chunk) : graph_(graph), ops_(ops), model_(model), chunk_(chunk) {}

  /** Adds the nodes. Returns the gradient of the output matrix's input; null without coefficients. */
  ggml_tensor * build(bool entropy);
  /** After the run. */
  void collect();

private:
  ggml_tensor * build_own();
  ggml_tensor * build_from_ggml(bool entropy);
  ggml_tensor * per_row(std::vector<float> values);
  void wanted(ggml_tensor * node, std::vector<float> & values);
  Graph & graph_;
  Ops & ops_;
  const Model & model_;
  Chunk & chunk_;
  std::vector<std::vector<float>> inputs_;
  std::vector<int32_t> flat_;
  std::vector<std::pair<ggml_tensor *, std::vector<float> *>> wanted_;
};
