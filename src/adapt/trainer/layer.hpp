#pragma once

#include "activations.hpp"
#include "ops.hpp"

/** Values of a layer that its backward pass needs; u is null where no adapter is. */
struct LayerState {
  ggml_tensor *x, *q_raw, *k_raw, *q, *k, *v, *att, *x2, *gate, *up;
  std::array<ggml_tensor *, n_targets> u;
};

/** Forward pass of one layer. @param y_wanted false skips the down matrix (recomputation before a backward pass). */
LayerState layer_forward(ggml_context * c, Ops & ops, const Model & model, int64_t layer, ggml_tensor * x, ggml_tensor ** y, bool y_wanted);

/** Backward pass: adds to the adapter's gradients, returns the gradient of the layer's input from that of its output. */
ggml_tensor * layer_backward(ggml_context * c, Ops & ops, const Model & model, int64_t layer, const LayerState & state, ggml_tensor * dy);

/** Makes the layer's values be written to the stored activations. */
void store_state(const Activations & activations, const LayerState & state, int64_t layer);
/** The stored values as leaves of a new graph. */
LayerState stored_state(ggml_context * c, const Activations & activations, const Model & model, int64_t layer, int64_t n_tokens);
