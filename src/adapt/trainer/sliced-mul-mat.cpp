#include "sliced-mul-mat.hpp"

#include "error.hpp"
#include "kernels/kernels.hpp"

#include <cstring>
#include <ggml-backend.h>
#include <memory>
#include <vector>

namespace {
/** A single-threaded ggml backend of this thread, with the memory for one small graph. */
struct Worker {
  Worker() : backend(ggml_backend_dev_init(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU), nullptr), ggml_backend_free), memory(ggml_tensor_overhead() * 8 + ggml_graph_overhead_custom(8, false)) {
    void * address = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(ggml_backend_get_device(backend.get())), "ggml_backend_set_n_threads");
    ggml_backend_set_n_threads_t set_threads;
    memcpy(&set_threads, &address, sizeof set_threads);
    set_threads(backend.get(), 1);
  }
  std::unique_ptr<ggml_backend, void (*)(ggml_backend_t)> backend;
  std::vector<uint8_t> memory;
  std::vector<float> result;
};
} // namespace

void sliced_mul_mat(const ggml_tensor * w, const ggml_tensor * x, float * y, int ith, int nth) {
  static thread_local Worker worker;
  const int64_t n_out = w->ne[1], n = x->ne[1];
  int64_t from, to;
  share_of(n_out, ith, nth, 16, from, to);
  if (from >= to) return;
  ggml_context * c = ggml_init({worker.memory.size(), worker.memory.data(), true});
  ggml_tensor * rows = ggml_new_tensor_2d(c, w->type, w->ne[0], to - from);
  ggml_tensor * input = ggml_new_tensor_2d(c, x->type, x->ne[0], n);
  ggml_tensor * product = ggml_mul_mat(c, rows, input);
  rows->data = static_cast<uint8_t *>(w->data) + size_t(from) * w->nb[1];
  input->data = x->data;
  const bool whole = to - from == n_out;
  if (!whole) worker.result.resize(size_t((to - from) * n));
  product->data = whole ? y : worker.result.data();
  ggml_cgraph * graph = ggml_new_graph_custom(c, 8, false);
  ggml_build_forward_expand(graph, product);
  const ggml_status status = ggml_backend_graph_compute(worker.backend.get(), graph);
  ggml_free(c);
  if (status != GGML_STATUS_SUCCESS) throw TrainerError("E_TRAINER_INTERNAL", text("a product ended with status %d", int(status)));
  for (int64_t t = 0; !whole && t < n; t++) memcpy(y + t * n_out + from, worker.result.data() + size_t(t * (to - from)), size_t(to - from) * sizeof(float));
}
