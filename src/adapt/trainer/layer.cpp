#include "layer.hpp"

namespace {
/** Gate and up from the attention's residual. */
void feed_forward(Ops & ops, const Model & model, int64_t l, LayerState & st, ggml_tensor * x2) {
  ggml_tensor * h2 = ops.norm(x2, model.layers[size_t(l)].ffn_norm);
  st.gate = ops.linear(l, target_gate, h2, nullptr, &st.u[target_gate]);
  st.up = ops.linear(l, target_up, h2, nullptr, &st.u[target_up]);
}
} // namespace

LayerState layer_forward(ggml_context * c, Ops & ops, const Model & model, int64_t l, ggml_tensor * x, ggml_tensor ** y, bool as_stored) {
  const Shape & s = model.shape;
  const Layer & layer = model.layers[size_t(l)];
  const int64_t n = x->ne[1];
  LayerState st{};
  st.x = x;
  ggml_tensor * h = ops.norm(x, layer.attn_norm);
  ggml_tensor * q = ops.linear(l, target_q, h, nullptr, &st.u[target_q]);
  ggml_tensor * k = ops.linear(l, target_k, h, nullptr, &st.u[target_k]);
  st.v = ops.linear(l, target_v, h, nullptr, &st.u[target_v]);
  ggml_tensor * q3 = ggml_reshape_3d(c, q, s.head_dim, s.n_head, n);
  ggml_tensor * k3 = ggml_reshape_3d(c, k, s.head_dim, s.n_kv, n);
  if (layer.q_norm != nullptr) {
    st.q_raw = q;
    st.k_raw = k;
    q3 = ops.norm(q3, layer.q_norm);
    k3 = ops.norm(k3, layer.k_norm);
  }
  st.q = ops.rotate(q3);
  st.k = ops.rotate(k3);
  st.att = ops.attention(st.q, st.k, st.v);
  st.x2 = ops.linear(l, target_o, st.att, x, &st.u[target_o]);
  feed_forward(ops, model, l, st, as_stored ? ops.unrounded(ops.rounded(st.x2)) : st.x2);
  ggml_tensor * a = ops.gated(st.gate, st.up);
  ggml_tensor * out = ops.linear(l, target_down, a, st.x2, &st.u[target_down]);
  if (y != nullptr) *y = out;
  return st;
}

ggml_tensor * layer_backward(ggml_context * c, Ops & ops, const Model & model, int64_t l, const LayerState & st, ggml_tensor * dy) {
  const Shape & s = model.shape;
  const Layer & layer = model.layers[size_t(l)];
  const int64_t n = dy->ne[1];
  ggml_tensor * a = ops.gated(st.gate, st.up);
  const Ops::GatedGradients gated = ops.gated_back(st.gate, st.up, ops.linear_back(l, target_down, a, st.u[target_down], dy, nullptr));
  ggml_tensor * x2 = ops.unrounded(st.x2);
  ggml_tensor * h2 = ops.norm(x2, layer.ffn_norm);
  ggml_tensor * dh2 = ops.linear_back(l, target_gate, h2, st.u[target_gate], gated.gate, nullptr);
  dh2 = ops.linear_back(l, target_up, h2, st.u[target_up], gated.up, dh2);
  ggml_tensor * dx2 = ops.norm_back(dh2, x2, layer.ffn_norm, dy);

  ggml_tensor * att = ops.unrounded(st.att);
  ggml_tensor * datt = ops.linear_back(l, target_o, att, st.u[target_o], dx2, nullptr);
  const Ops::AttentionGradients heads = ops.attention_back(ops.unrounded(st.q), ops.unrounded(st.k), ops.unrounded(st.v), att, datt);
  ggml_tensor * dq = ops.rotate_back(ggml_reshape_3d(c, heads.q, s.head_dim, s.n_head, n));
  ggml_tensor * dk = ops.rotate_back(ggml_reshape_3d(c, heads.k, s.head_dim, s.n_kv, n));
  if (layer.q_norm != nullptr) {
    dq = ops.norm_back(dq, ggml_reshape_3d(c, ops.unrounded(st.q_raw), s.head_dim, s.n_head, n), layer.q_norm, nullptr);
    dk = ops.norm_back(dk, ggml_reshape_3d(c, ops.unrounded(st.k_raw), s.head_dim, s.n_kv, n), layer.k_norm, nullptr);
  }
  ggml_tensor * h = ops.norm(st.x, layer.attn_norm);
  ggml_tensor * dh = ops.linear_back(l, target_q, h, st.u[target_q], ggml_reshape_2d(c, dq, s.head_dim * s.n_head, n), nullptr);
  dh = ops.linear_back(l, target_k, h, st.u[target_k], ggml_reshape_2d(c, dk, s.head_dim * s.n_kv, n), dh);
  dh = ops.linear_back(l, target_v, h, st.u[target_v], ggml_reshape_2d(c, heads.v, s.head_dim * s.n_kv, n), dh);
  return ops.norm_back(dh, st.x, layer.attn_norm, dx2);
}

void store_gated(Graph & graph, Ops & ops, const Model & model, const Activations & activations, int64_t l, int64_t n) {
  LayerState again{};
  feed_forward(ops, model, l, again, ops.unrounded(activations.leaf(graph.context(), slot_x2, l, n)));
  LayerState wanted{};
  wanted.gate = again.gate;
  wanted.up = again.up;
  store_state(graph, ops, activations, wanted, l, false);
}

void store_state(Graph & graph, Ops & ops, const Activations & activations, const LayerState & st, int64_t l, bool only_kept) {
  const auto store = [&](ggml_tensor * value, int slot) {
    if (value == nullptr || (only_kept && (slot == slot_gate || slot == slot_up) && !activations.is_whole(l))) return;
    ggml_tensor * stored = slot < slot_u && activations.plan.type == GGML_TYPE_BF16 ? ops.rounded(value) : value;
    activations.bind(stored, slot, l);
    graph.keep(stored);
  };
  store(st.q_raw, slot_q_raw);
  store(st.k_raw, slot_k_raw);
  store(st.q, slot_q);
  store(st.k, slot_k);
  store(st.v, slot_v);
  store(st.att, slot_att);
  store(st.x2, slot_x2);
  store(st.gate, slot_gate);
  store(st.up, slot_up);
  for (int t = 0; t < n_targets; t++) store(st.u[size_t(t)], slot_u + t);
}

LayerState stored_state(ggml_context * c, const Activations & activations, const Model & model, int64_t l, int64_t n) {
  const Shape & s = model.shape;
  LayerState st{};
  st.x = activations.leaf(c, slot_x, l, n);
  if (model.layers[size_t(l)].q_norm != nullptr) {
    st.q_raw = activations.leaf(c, slot_q_raw, l, n);
    st.k_raw = activations.leaf(c, slot_k_raw, l, n);
  }
  st.q = ggml_reshape_3d(c, activations.leaf(c, slot_q, l, n), s.head_dim, s.n_head, n);
  st.k = ggml_reshape_3d(c, activations.leaf(c, slot_k, l, n), s.head_dim, s.n_kv, n);
  st.v = activations.leaf(c, slot_v, l, n);
  st.att = activations.leaf(c, slot_att, l, n);
  st.x2 = activations.leaf(c, slot_x2, l, n);
  st.gate = activations.leaf(c, slot_gate, l, n);
  st.up = activations.leaf(c, slot_up, l, n);
  for (int t = 0; t < n_targets; t++) {
    if (activations.plan.targets[size_t(t)]) st.u[size_t(t)] = activations.leaf(c, slot_u + t, l, n);
  }
  return st;
}
