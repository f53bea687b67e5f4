#include "layer.hpp"

LayerState layer_forward(ggml_context * c, Ops & ops, const Model & model, int64_t l, ggml_tensor * x, ggml_tensor ** y, bool y_wanted) {
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
  ggml_tensor * h2 = ops.norm(st.x2, layer.ffn_norm);
  st.gate = ops.linear(l, target_gate, h2, nullptr, &st.u[target_gate]);
  st.up = ops.linear(l, target_up, h2, nullptr, &st.u[target_up]);
  ggml_tensor * a = ops.gated(st.gate, st.up);
  ggml_tensor * out = ops.linear(l, target_down, a, st.x2, &st.u[target_down]);
  if (y_wanted) *y = out;
  return st;
}

ggml_tensor * layer_backward(ggml_context * c, Ops & ops, const Model & model, int64_t l, const LayerState & st, ggml_tensor * dy) {
  const Shape & s = model.shape;
  const Layer & layer = model.layers[size_t(l)];
  const int64_t n = dy->ne[1];
  ggml_tensor * a = ops.gated(st.gate, st.up);
  const Ops::GatedGradients gated = ops.gated_back(st.gate, st.up, ops.linear_back(l, target_down, a, st.u[target_down], dy, nullptr));
  ggml_tensor * h2 = ops.norm(st.x2, layer.ffn_norm);
  ggml_tensor * dh2 = ops.linear_back(l, target_gate, h2, st.u[target_gate], gated.gate, nullptr);
  dh2 = ops.linear_back(l, target_up, h2, st.u[target_up], gated.up, dh2);
  ggml_tensor * dx2 = ops.norm_back(dh2, st.x2, layer.ffn_norm, dy);

  ggml_tensor * datt = ops.linear_back(l, target_o, st.att, st.u[target_o], dx2, nullptr);
  const Ops::AttentionGradients heads = ops.attention_back(st.q, st.k, st.v, st.att, datt);
  ggml_tensor * dq = ops.rotate_back(ggml_reshape_3d(c, heads.q, s.head_dim, s.n_head, n));
  ggml_tensor * dk = ops.rotate_back(ggml_reshape_3d(c, heads.k, s.head_dim, s.n_kv, n));
  if (layer.q_norm != nullptr) {
    dq = ops.norm_back(dq, ggml_reshape_3d(c, st.q_raw, s.head_dim, s.n_head, n), layer.q_norm, nullptr);
    dk = ops.norm_back(dk, ggml_reshape_3d(c, st.k_raw, s.head_dim, s.n_kv, n), layer.k_norm, nullptr);
  }
  ggml_tensor * h = ops.norm(st.x, layer.attn_norm);
  ggml_tensor * dh = ops.linear_back(l, target_q, h, st.u[target_q], ggml_reshape_2d(c, dq, s.head_dim * s.n_head, n), nullptr);
  dh = ops.linear_back(l, target_k, h, st.u[target_k], ggml_reshape_2d(c, dk, s.head_dim * s.n_kv, n), dh);
  dh = ops.linear_back(l, target_v, h, st.u[target_v], ggml_reshape_2d(c, heads.v, s.head_dim * s.n_kv, n), dh);
  return ops.norm_back(dh, st.x, layer.attn_norm, dx2);
}

void store_state(const Activations & activations, const LayerState & st, int64_t l) {
  if (st.q_raw != nullptr) activations.bind(st.q_raw, slot_q_raw, l);
  if (st.k_raw != nullptr) activations.bind(st.k_raw, slot_k_raw, l);
  activations.bind(st.q, slot_q, l);
  activations.bind(st.k, slot_k, l);
  activations.bind(st.v, slot_v, l);
  activations.bind(st.att, slot_att, l);
  activations.bind(st.x2, slot_x2, l);
  activations.bind(st.gate, slot_gate, l);
  activations.bind(st.up, slot_up, l);
  for (int t = 0; t < n_targets; t++) {
    if (st.u[size_t(t)] != nullptr) activations.bind(st.u[size_t(t)], slot_u + t, l);
  }
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
