#include "activations.hpp"

#include "error.hpp"

#include <algorithm>

size_t Activations::width(const Shape & s, const Plan & plan, int slot) {
  switch (slot) {
  case slot_x:
  case slot_dx: return size_t(s.n_embd);
  case slot_q_raw: return s.architecture == "qwen3" ? size_t(s.head_dim * s.n_head) : 0;
  case slot_k_raw: return s.architecture == "qwen3" ? size_t(s.head_dim * s.n_kv) : 0;
  case slot_q:
  case slot_att: return size_t(s.head_dim * s.n_head);
  case slot_k:
  case slot_v: return size_t(s.head_dim * s.n_kv);
  case slot_x2: return size_t(s.n_embd);
  case slot_gate:
  case slot_up: return size_t(s.n_ff);
  default: return plan.targets[size_t(slot - slot_u)] ? size_t(plan.rank) : 0;
  }
}

int64_t Activations::copies(const Shape & shape, const Plan & plan, int slot) {
  if (slot == slot_x) return plan.train ? shape.n_layer + 1 : 2;
  if (slot == slot_dx) return plan.train ? 2 : 0;
  return plan.train ? std::max<int64_t>(layers(plan, slot), 1) : 0; // a layer computed again takes the place of one that is done
}

size_t Activations::stride(const Shape & shape, const Plan & plan, int slot) {
  return (width(shape, plan, slot) * size_t(plan.max_tokens) * ggml_type_size(type(plan, slot)) + 255) / 256 * 256;
}

size_t Activations::bytes(const Shape & shape, const Plan & plan) {
  size_t total = 0;
  for (int slot = 0; slot < n_slots; slot++) {
    total += stride(shape, plan, slot) * size_t(copies(shape, plan, slot));
  }
  return total;
}

Activations::Activations(Device & device, const Shape & shape, const Plan & plan) : plan(plan), shape_(shape) {
  size_t total = 0;
  for (int slot = 0; slot < n_slots; slot++) {
    offsets_[slot] = total;
    strides_[slot] = stride(shape, plan, slot);
    total += strides_[slot] * size_t(copies(shape, plan, slot));
  }
  buffer_ = ggml_backend_alloc_buffer(device.backend, total);
  if (buffer_ == nullptr) throw TrainerError("E_MEMORY_BUDGET", text("%zu MB of activations cannot be allocated", total >> 20));
}

Activations::~Activations() { ggml_backend_buffer_free(buffer_); }

uint8_t * Activations::address(int slot, int64_t layer) const {
  int64_t copy = layer;
  if (slot == slot_dx || (slot == slot_x && !plan.train)) copy = layer % 2;
  else if (slot != slot_x) copy = std::max<int64_t>(0, layer - (shape_.n_layer - layers(plan, slot)));
  return static_cast<uint8_t *>(ggml_backend_buffer_get_base(buffer_)) + offsets_[slot] + strides_[slot] * size_t(copy);
}

ggml_tensor * Activations::leaf(ggml_context * context, int slot, int64_t layer, int64_t n_tokens) const {
  ggml_tensor * tensor = ggml_new_tensor_2d(context, type(plan, slot), int64_t(width(shape_, plan, slot)), n_tokens);
  ggml_backend_tensor_alloc(buffer_, tensor, address(slot, layer));
  return tensor;
}

void Activations::bind(ggml_tensor * node, int slot, int64_t layer) const {
  if (ggml_nbytes(node) > strides_[slot]) throw TrainerError("E_TRAINER_INTERNAL", text("slot %d is too small", slot));
  ggml_backend_tensor_alloc(buffer_, node, address(slot, layer));
}
