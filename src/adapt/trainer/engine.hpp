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
    bool train; // without it the forward pass rounds as llama.cpp does
    int64_t kept_layers, whole_layers; // see Activations::Plan
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
  static Activations::Plan activation_plan(const Device & device, const Model & model, const Adapter * adapter, const Options & options);
  /** Bytes of scratch that the largest graph needs for such a batch. */
  size_t measure_scratch(const Batch & batch);

  const Model & model;

private:
  bool rounds() const { return options_.train && activations_.plan.type == GGML_TYPE_BF16; }
  /** Computes again what was not kept of a layer. */
  void build_again(const Batch & batch, Ops & ops, int64_t layer);
  void build_backward(const Batch & batch, Ops & ops, int64_t layer);
  const Adapter * adapter_;
  const Options options_;
  std::function<void()> between_;
  Graph graph_;
  Activations activations_;
  Head head_;
};
