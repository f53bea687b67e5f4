#pragma once

#include "activations.hpp"
#include "ops.hpp"

/** Values of a layer that its backward pass needs, q_raw .. up as they are stored (F32 or BF16); u is null where no adapter is. */
struct LayerState {
  ggml_tensor *x, *q_raw, *k_raw, *q, *k, *v, *att, *x2, *gate, *up;
  std::array<ggml_tensor *, n_targets> u;
};

/**
 * Forward pass of one layer.
 * @param y receives the output; null: not wanted (the down matrix is not computed before a backward pass).
 * @param as_stored gate and up see the residual as it is stored, so that they can be computed again from it to the bit.
 */
LayerState layer_forward(ggml_context * c, Ops & ops, const Model & model, int64_t layer, ggml_tensor * x, ggml_tensor ** y, bool as_stored);

/** Backward pass: adds to the adapter's gradients, returns the gradient of the layer's input from that of its output. */
ggml_tensor * layer_backward(ggml_context * c, Ops & ops, const Model & model, int64_t layer, const LayerState & state, ggml_tensor * dy);

/** Makes the graph write the layer's values to the stored activations. @param only_kept without gate and up where they are not kept. */
void store_state(Graph & graph, Ops & ops, const Activations & activations, const LayerState & state, int64_t layer, bool only_kept);
/** Computes gate and up again from the stored residual and stores them. */
void store_gated(Graph & graph, Ops & ops, const Model & model, const Activations & activations, int64_t layer, int64_t n_tokens);
/** The stored values as leaves of a new graph. */
LayerState stored_state(ggml_context * c, const Activations & activations, const Model & model, int64_t layer, int64_t n_tokens);
