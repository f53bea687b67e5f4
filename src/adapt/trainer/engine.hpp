#pragma once

#include "activations.hpp"
#include "adapter.hpp"
#include "batch.hpp"
#include "head.hpp"
#include "model.hpp"
#include "ops.hpp"

#include <functional>
#include <memory>

/** Forward and backward passes over a model, a layer at a time. */
class Engine {
public:
  struct Options {
    int64_t max_tokens, max_targets;
    bool train, keep_activations; // without train the forward pass rounds as llama.cpp does
    uint64_t dropout_seed = 0;
  };

  /** @param adapter null: the base only. @param between called after every graph (pause, limits, stop); may throw. */
  Engine(Device & device, const Model & model, const Adapter * adapter, const Options & options, std::function<void()> between);

  /** Runs the layers. @param training dropout on, and activations stored for `backward` when kept. */
  void forward(const Batch & batch, bool adapter_on, bool training);
  /** Losses, and with coefficients the gradient that `backward` starts from. */
  HeadResult head(const Batch & batch, const HeadJob & job);
  /** Adds to the adapter's gradients. Call after forward(batch, true, true) and head with coefficients. */
  void backward(const Batch & batch);

  std::vector<float> hidden(const Batch & batch) { return head_.hidden(activations_, batch); }
  std::vector<float> logits(const Batch & batch) { return head_.logits(activations_, batch); }
  /** Bytes of scratch that the largest graph needs for such a batch. */
  size_t measure_scratch(const Batch & batch);

  const Model & model;

private:
  Activations::Plan activation_plan() const;
  ggml_tensor * build_backward(const Batch & batch, Ops & ops, int64_t layer);
  const Adapter * adapter_;
  const Options options_;
  std::function<void()> between_;
  Graph graph_;
  Activations activations_;
  Head head_;
};
