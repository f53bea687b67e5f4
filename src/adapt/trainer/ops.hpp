#pragma once

#include "adapter.hpp"
#include "batch.hpp"
#include "graph.hpp"
#include "model.hpp"

#include <functional>
#include <list>

/** What a layer is made of, forward and backward, as nodes of the current graph: our own kernels on the CPU, ggml's operations elsewhere. */
class Ops {
public:
  /** @param adapter null: adapter off. @param dropout_seed of this job; used only when the adapter's dropout is above 0 and training. */
  Ops(Graph & graph, const Model & model, const Adapter * adapter, const Batch & batch, bool training, uint64_t dropout_seed);

  ggml_tensor * norm(ggml_tensor * x, ggml_tensor * weight);
  /** Gradient of the input x of norm from the gradient dy of its output, plus `add` when given. */
  ggml_tensor * norm_back(ggml_tensor * dy, ggml_tensor * x, ggml_tensor * weight, ggml_tensor * add);

  /** weight x + bias + b (scale a drop(x)), plus `add` when given. @param u receives the scaled rank-r activation, null without an adapter. */
  ggml_tensor * linear(int64_t layer, int target, ggml_tensor * x, ggml_tensor * add, ggml_tensor ** u);
  /** Adds to the gradients of a and b, and returns the gradient of x, plus `add` when given. */
  ggml_tensor * linear_back(int64_t layer, int target, ggml_tensor * x, ggml_tensor * u, ggml_tensor * dy, ggml_tensor * add);
  /** weight x and weight^T dy of a frozen matrix without adapter. */
  ggml_tensor * frozen(const Matrix & matrix, ggml_tensor * x);
  ggml_tensor * frozen_back(const Matrix & matrix, ggml_tensor * dy);

  /** A copy in BF16, as activations are stored, and back; F32 passes through `unrounded`. */
  ggml_tensor * rounded(ggml_tensor * x);
  ggml_tensor * unrounded(ggml_tensor * x);

  /** Rotary embedding of [head_dim, heads, tokens]. */
  ggml_tensor * rotate(ggml_tensor * x);
  ggml_tensor * rotate_back(ggml_tensor * dy);

  /** Causal attention within each segment; q [head_dim, n_head, T], k and v [head_dim, n_kv, T] -> [head_dim * n_head, T]. */
  ggml_tensor * attention(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v);
  struct AttentionGradients {
    ggml_tensor *q, *k, *v;
  };
  AttentionGradients attention_back(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v, ggml_tensor * att, ggml_tensor * datt);

  /** silu(gate) * up, and its gradients; gate and up F32 or BF16. */
  ggml_tensor * gated(ggml_tensor * gate, ggml_tensor * up);
  struct GatedGradients {
    ggml_tensor *gate, *up;
  };
  GatedGradients gated_back(ggml_tensor * gate, ggml_tensor * up, ggml_tensor * dy);

  /** Losses of target rows, and with coefficients the logits' gradient in their place (HeadView says how). Own kernels only. */
  ggml_tensor * head(ggml_tensor * logits, ggml_tensor * base_logits, const HeadView & view);

private:
  // with our own kernels
  using Work = std::function<void(ggml_tensor * result, int ith, int nth)>;
  ggml_tensor * custom(ggml_type type, std::array<int64_t, 3> shape, std::initializer_list<ggml_tensor *> arguments, Work work);
  /** What a custom node is given to run. */
  void * work_for(Work work);
  ggml_tensor * rows_for(const Matrix & matrix, ggml_tensor * x, bool backward, bool may_round);
  /** @param may_round 8-bit activations will do: gate, up and head, measured (docs/trainer-engine.md). */
  ggml_tensor * fused_forward(const Matrix & matrix, const LoraPair * pair, ggml_tensor * x, ggml_tensor * u, ggml_tensor * add, bool may_round);
  /** y + b u, written over y. Own kernels only. */
  ggml_tensor * with_lora(ggml_tensor * y, const LoraPair & pair, ggml_tensor * u);
  ggml_tensor * fused_backward(const Matrix & matrix, const LoraPair * pair, ggml_tensor * dy, ggml_tensor * du, ggml_tensor * add);
  /** What copies_ has of x in that form; null: nothing. */
  ggml_tensor * known_copy(const ggml_tensor * x, ggml_type type, int64_t n_rows) const;
  /** w x as ggml computes it, on our threads. */
  ggml_tensor * product(ggml_tensor * w, ggml_tensor * x);
  /** The same for values of any size and in one or two parts (ScaledRows). Own kernels only. */
  ggml_tensor * scaled_product(ggml_tensor * w, ggml_tensor * x, int parts);
  ggml_tensor * forward_product(const Matrix & matrix, ggml_tensor * x);
  /** Whether our own kernels compute what ggml's 8-bit product would. */
  bool has_ggml(const Matrix & matrix) const;
  bool fuses_forward(const Matrix & matrix) const;
  bool fuses_backward(const Matrix & matrix) const;
  /** Of segments that lie one after another in q, k and v. */
  ggml_tensor * attend(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v);
  ggml_tensor * own_attention(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v);
  AttentionGradients own_attention_back(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v, ggml_tensor * att, ggml_tensor * datt);

  // with ggml's operations
  struct Packed;
  ggml_tensor * dropout(int64_t layer, int target, ggml_tensor * x);
  ggml_tensor * transposed(ggml_tensor * x);
  ggml_tensor * mask(int64_t n_tokens);
  Packed pack(ggml_tensor * q, ggml_tensor * k, ggml_tensor * v, const Segment & segment);
  ggml_tensor * pack_rows(ggml_tensor * q, const Segment & segment);
  ggml_tensor * unpack_rows(ggml_tensor * packed, int64_t n_tokens);

  Graph & graph_;
  const Model & model_;
  const Adapter * adapter_;
  const Batch & batch_;
  const bool training_;
  const uint64_t dropout_seed_;
  const Kernels * const kernels_;
  ggml_context * c_;
  std::list<std::function<void(ggml_tensor *)>> works_; // what custom nodes run; they live as long as this object
  std::vector<std::pair<ggml_tensor *, ggml_tensor *>> copies_; // rounded copies made in this graph
  std::list<std::vector<float>> host_; // inputs made here; they live as long as this object
  std::vector<std::pair<int64_t, ggml_tensor *>> masks_;
};
