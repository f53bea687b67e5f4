#include "graph.hpp"

#include "error.hpp"

namespace {
constexpr size_t max_nodes = 4096;
}

Graph::Graph(Device & device) : device(device) {
  memory_.resize(ggml_tensor_overhead() * max_nodes + ggml_graph_overhead_custom(max_nodes, false));
  allocator_ = ggml_gallocr_new(ggml_backend_get_default_buffer_type(device.backend));
}

Graph::~Graph() {
  if (context_ != nullptr) ggml_free(context_);
  ggml_gallocr_free(allocator_);
}

void Graph::begin() {
  if (context_ != nullptr) ggml_free(context_);
  context_ = ggml_init({memory_.size(), memory_.data(), true});
  graph_ = ggml_new_graph_custom(context_, max_nodes, false);
  uploads_.clear();
}

ggml_tensor * Graph::input(ggml_type type, int64_t ne0, int64_t ne1, const void * data) {
  ggml_tensor * tensor = ggml_new_tensor_2d(context_, type, ne0, ne1);
  ggml_set_input(tensor);
  uploads_.push_back({tensor, data});
  return tensor;
}

void Graph::keep(ggml_tensor * node) {
  ggml_set_output(node);
  ggml_build_forward_expand(graph_, node);
}

void Graph::allocate() {
  if (!ggml_gallocr_alloc_graph(allocator_, graph_)) throw TrainerError("E_MEMORY_BUDGET", "the working memory of a layer cannot be allocated");
}

size_t Graph::measure() {
  allocate();
  return ggml_gallocr_get_buffer_size(allocator_, 0);
}

void Graph::run() {
  allocate();
  if (!device.is_cpu) {
    for (int i = 0; i < ggml_graph_n_nodes(graph_); i++) {
      const ggml_tensor * node = ggml_graph_node(graph_, i);
      if (node->op != GGML_OP_NONE && !ggml_backend_supports_op(device.backend, node)) {
        throw TrainerError("E_TRAINER_BACKEND", text("%s lacks %s on %s [%lld x %lld]", device.name.c_str(), ggml_op_name(node->op), node->src[0] != nullptr ? ggml_type_name(node->src[0]->type) : "-", (long long) node->ne[0], (long long) node->ne[1]));
      }
    }
  }
  for (const Upload & upload : uploads_) {
    // an input that no node uses has no memory
    if (upload.tensor->buffer != nullptr) ggml_backend_tensor_set(upload.tensor, upload.data, 0, ggml_nbytes(upload.tensor));
  }
  const ggml_status status = ggml_backend_graph_compute(device.backend, graph_);
  if (status != GGML_STATUS_SUCCESS) throw TrainerError("E_TRAINER_INTERNAL", text("a graph ended with status %d", int(status)));
}
