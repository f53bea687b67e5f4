#pragma once

#include "device.hpp"

#include <ggml-alloc.h>
#include <ggml.h>
#include <vector>

/**
 * Builds and runs one small graph after another on a device; the scratch memory is kept from one to the next.
 *
 * Usage: `begin()`, build nodes on `context()`, `keep(node)` for everything that must be computed, `run()`.
 */
class Graph {
public:
  explicit Graph(Device & device);
  ~Graph();
  Graph(const Graph &) = delete;
  Graph & operator=(const Graph &) = delete;

  void begin();
  ggml_context * context() const { return context_; }
  /** A leaf filled from host memory just before the run; `data` must stay valid until then. */
  ggml_tensor * input(ggml_type type, int64_t ne0, int64_t ne1, const void * data);
  /** A node whose value is wanted: computed, and not overwritten by later nodes. */
  void keep(ggml_tensor * node);
  /** Allocates without running and returns the bytes of scratch the graph needs. */
  size_t measure();
  /** Throws E_TRAINER_BACKEND when the device lacks an operation, E_TRAINER_INTERNAL when it fails. */
  void run();

  Device & device;
  /** Frozen products round as llama.cpp's do (ggml's own kernels, or ours with the same integers): for losses to compare with inference. */
  bool follows_inference = false;
  /** Gradients between the head and the adapter's are this many times too large; those that leave the graph are not. Set by Head. */
  float gradient_scale = 1;

private:
  void allocate();
  std::vector<uint8_t> memory_;
  ggml_context * context_ = nullptr;
  ggml_cgraph * graph_ = nullptr;
  ggml_gallocr_t allocator_ = nullptr;
  struct Upload {
    ggml_tensor * tensor;
    const void * data;
  };
  std::vector<Upload> uploads_;
};
