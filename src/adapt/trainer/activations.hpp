#pragma once

#include "adapter.hpp"
#include "device.hpp"
#include "model.hpp"

#include <vector>

/** What is stored per token between graphs. Of every layer x, of kept layers q_raw .. u too (gate and up only of whole ones), once dx. */
enum Slot {
  slot_x, // input of the layer; layer n_layer: input of the head
  slot_q_raw, // before the norm of qwen3
  slot_k_raw,
  slot_q, // after the rotation
  slot_k,
  slot_v,
  slot_att, // output of the attention, before the o matrix
  slot_x2, // after the attention's residual
  slot_gate,
  slot_up,
  slot_u, // + target: scaled rank-r activation of the adapter
  slot_dx = slot_u + n_targets, // gradient, ping and pong
  n_slots
};

/** Memory for activations: one buffer, carved by slot and layer. */
class Activations {
public:
  struct Plan {
    int64_t max_tokens;
    int64_t kept; // so many of the highest layers have their slots; the others are computed again before their backward pass
    int64_t whole; // of them so many have gate and up too: more than half of a layer's bytes, and less than half of its time
    bool train; // false: two ping-pong x, no gradient
    int rank;
    std::array<bool, n_targets> targets;
    ggml_type type; // of q_raw .. up: F32, or BF16 with our own kernels
  };

  Activations(Device & device, const Shape & shape, const Plan & plan);
  ~Activations();
  Activations(const Activations &) = delete;
  Activations & operator=(const Activations &) = delete;

  static size_t bytes(const Shape & shape, const Plan & plan);
  bool is_kept(int64_t layer) const { return layer >= shape_.n_layer - plan.kept; }
  bool is_whole(int64_t layer) const { return layer >= shape_.n_layer - plan.whole; }

  /** A new leaf over the stored values of the first n_tokens. */
  ggml_tensor * leaf(ggml_context * context, int slot, int64_t layer, int64_t n_tokens) const;
  /** Makes a node write its result into the slot. */
  void bind(ggml_tensor * node, int slot, int64_t layer) const;

  const Plan plan;

private:
  static size_t width(const Shape & shape, const Plan & plan, int slot);
  static ggml_type type(const Plan & plan, int slot) { return slot >= slot_q_raw && slot < slot_u ? plan.type : GGML_TYPE_F32; }
  static int64_t layers(const Plan & plan, int slot) { return slot == slot_gate || slot == slot_up ? plan.whole : plan.kept; }
  static size_t stride(const Shape & shape, const Plan & plan, int slot);
  static int64_t copies(const Shape & shape, const Plan & plan, int slot);
  uint8_t * address(int slot, int64_t layer) const;
  const Shape & shape_;
  size_t offsets_[n_slots] = {}, strides_[n_slots] = {};
  ggml_backend_buffer_t buffer_ = nullptr;
};
