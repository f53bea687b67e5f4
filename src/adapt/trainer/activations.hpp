#pragma once

#include "adapter.hpp"
#include "device.hpp"
#include "model.hpp"

#include <vector>

/** What is stored per token between graphs. Per layer: x and, when activations are kept, q_raw .. u; once: the others. */
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
    bool keep; // all slots, so that the backward pass computes nothing again
    bool train; // false: two ping-pong x, no gradient
    int rank;
    std::array<bool, n_targets> targets;
  };

  Activations(Device & device, const Shape & shape, const Plan & plan);
  ~Activations();
  Activations(const Activations &) = delete;
  Activations & operator=(const Activations &) = delete;

  static size_t bytes(const Shape & shape, const Plan & plan);

  /** A new leaf over the stored values of the first n_tokens. */
  ggml_tensor * leaf(ggml_context * context, int slot, int64_t layer, int64_t n_tokens) const;
  /** Makes a node write its result into the slot. */
  void bind(ggml_tensor * node, int slot, int64_t layer) const;

  const Plan plan;

private:
  static size_t width(const Shape & shape, const Plan & plan, int slot);
  static int64_t copies(const Shape & shape, const Plan & plan, int slot);
  uint8_t * address(int slot, int64_t layer) const;
  const Shape & shape_;
  size_t offsets_[n_slots] = {}, strides_[n_slots] = {};
  ggml_backend_buffer_t buffer_ = nullptr;
};
