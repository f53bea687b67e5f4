#include "model.hpp"

#include "error.hpp"
#include "gguf-extent.hpp"
#include "sha256.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const std::array<const char *, n_targets> target_names = {"q", "k", "v", "o", "gate", "up", "down"};
const std::array<const char *, n_targets> target_tensors = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};

namespace {
std::string string_value(const gguf_context * gguf, const std::string & key) {
  const int64_t id = gguf_find_key(gguf, key.c_str());
  return id >= 0 && gguf_get_kv_type(gguf, id) == GGUF_TYPE_STRING ? gguf_get_val_str(gguf, id) : "";
}
} // namespace

Model::Model(const std::string & path, Device & device) : Model(device) {
  if (access(path.c_str(), R_OK) != 0) throw TrainerError("E_MODEL_UNREADABLE", "the model file cannot be read");
  gguf_ = gguf_init_from_file(path.c_str(), {/*no_alloc*/ true, &meta_});
  if (gguf_ == nullptr) throw TrainerError("E_MODEL_UNREADABLE", "the model file is not a whole GGUF header");
  check_extent(path);
  read_shape();
  read_layers();
  place(path);
}

Model::~Model() {
  if (buffer_ != nullptr) ggml_backend_buffer_free(buffer_);
  if (transposed_buffer_ != nullptr) ggml_backend_buffer_free(transposed_buffer_);
  if (mapping_ != nullptr) munmap(mapping_, mapping_size_);
  if (transposed_meta_ != nullptr) ggml_free(transposed_meta_);
  if (meta_ != nullptr) ggml_free(meta_);
  if (gguf_ != nullptr) gguf_free(gguf_);
}

void Model::check_extent(const std::string & path) {
  const size_t size = file_bytes(path), needed = promised_bytes(gguf_);
  if (size < needed) throw TrainerError("E_MODEL_TRUNCATED", text("the model file has %zu bytes, its header promises %zu", size, needed));
}

double Model::number(const std::string & key, double fallback, bool required) {
  const int64_t id = gguf_find_key(gguf_, key.c_str());
  if (id < 0) {
    if (required) throw TrainerError("E_MODEL_INVALID", "the model lacks the key " + key);
    return fallback;
  }
  switch (gguf_get_kv_type(gguf_, id)) {
  case GGUF_TYPE_UINT32: return gguf_get_val_u32(gguf_, id);
  case GGUF_TYPE_INT32: return gguf_get_val_i32(gguf_, id);
  case GGUF_TYPE_UINT64: return double(gguf_get_val_u64(gguf_, id));
  case GGUF_TYPE_UINT16: return gguf_get_val_u16(gguf_, id);
  case GGUF_TYPE_FLOAT32: return gguf_get_val_f32(gguf_, id);
  case GGUF_TYPE_BOOL: return gguf_get_val_bool(gguf_, id);
  case GGUF_TYPE_ARRAY: throw TrainerError("E_ARCH_UNSUPPORTED", key + " differs between layers");
  default: throw TrainerError("E_MODEL_INVALID", key + " is not a number");
  }
}

void Model::read_shape() {
  const std::string a = string_value(gguf_, "general.architecture");
  if (a != "llama" && a != "qwen2" && a != "qwen3") {
    throw TrainerError("E_ARCH_UNSUPPORTED", "architecture \"" + a.substr(0, 40) + "\" cannot be trained (llama, qwen2 and qwen3 can)");
  }
  shape.architecture = a;
  shape.n_layer = int64_t(number(a + ".block_count", 0, true));
  shape.n_embd = int64_t(number(a + ".embedding_length", 0, true));
  shape.n_ff = int64_t(number(a + ".feed_forward_length", 0, true));
  shape.n_head = int64_t(number(a + ".attention.head_count", 0, true));
  shape.n_kv = int64_t(number(a + ".attention.head_count_kv", double(shape.n_head), false));
  shape.n_ctx = int64_t(number(a + ".context_length", 0, true));
  if (shape.n_layer < 1 || shape.n_embd < 1 || shape.n_ff < 1 || shape.n_head < 1 || shape.n_kv < 1 || shape.n_head % shape.n_kv != 0) {
    throw TrainerError("E_MODEL_INVALID", "the model's layer, width or head counts make no sense");
  }
  shape.head_dim = int64_t(number(a + ".attention.key_length", double(shape.n_embd / shape.n_head), false));
  shape.rms_eps = float(number(a + ".attention.layer_norm_rms_epsilon", 0, true));
  shape.rope_base = float(number(a + ".rope.freq_base", 10000, false));
  shape.rope_mode = a == "llama" ? GGML_ROPE_TYPE_NORMAL : GGML_ROPE_TYPE_NEOX;

  const std::string scaling = string_value(gguf_, a + ".rope.scaling.type");
  if (!scaling.empty() && scaling != "none" && scaling != "linear") {
    throw TrainerError("E_ARCH_UNSUPPORTED", "rope scaling \"" + scaling.substr(0, 40) + "\" is not supported");
  }
  const double factor = number(a + ".rope.scaling.factor", number(a + ".rope.scale_linear", 1, false), false);
  shape.rope_scale = scaling == "none" || factor == 0 ? 1.0f : float(1.0 / factor);

  const auto refuse_unless = [&](const char * key, double value, double expected, const char * what) {
    if (number(a + key, value, false) != expected) throw TrainerError("E_ARCH_UNSUPPORTED", std::string(what) + " (" + a + key + ") is not supported");
  };
  refuse_unless(".rope.dimension_count", double(shape.head_dim), double(shape.head_dim), "partial rotary embedding");
  refuse_unless(".attention.value_length", double(shape.head_dim), double(shape.head_dim), "a value width other than the key width");
  refuse_unless(".expert_count", 0, 0, "mixture of experts");
  refuse_unless(".attention.sliding_window", 0, 0, "sliding-window attention");
  refuse_unless(".attention.scale", 0, 0, "a custom attention scale");
  refuse_unless(".attention.causal", 1, 1, "non-causal attention");
  refuse_unless(".logit_scale", 0, 0, "a logit scale");
  refuse_unless(".residual_scale", 0, 0, "a residual scale");
  refuse_unless(".embedding_scale", 0, 0, "an embedding scale");
}

ggml_tensor * Model::take(const std::string & name, std::initializer_list<int64_t> wanted, bool required) {
  ggml_tensor * tensor = ggml_get_tensor(meta_, name.c_str());
  if (tensor == nullptr) {
    if (required) throw TrainerError("E_MODEL_INVALID", "the model lacks the tensor " + name);
    return nullptr;
  }
  int d = 0;
  for (int64_t n : wanted) {
    if (n > 0 && tensor->ne[d] != n) {
      throw TrainerError("E_MODEL_INVALID", text("tensor %s has %lld elements in dimension %d where %lld are needed", name.c_str(), (long long) tensor->ne[d], d, (long long) n));
    }
    d++;
  }
  for (; d < GGML_MAX_DIMS; d++) {
    if (tensor->ne[d] != 1) throw TrainerError("E_MODEL_INVALID", text("tensor %s has too many dimensions", name.c_str()));
  }
  const ggml_type_traits * traits = ggml_get_type_traits(tensor->type);
  if (wanted.size() == 1 && tensor->type != GGML_TYPE_F32) throw TrainerError("E_ARCH_UNSUPPORTED", "tensor " + name + " is not F32");
  if (tensor->type != GGML_TYPE_F32 && traits->to_float == nullptr) {
    throw TrainerError("E_ARCH_UNSUPPORTED", text("weight type %s of %s cannot be trained through", traits->type_name, name.c_str()));
  }
  taken_[name] = true;
  return tensor;
}

void Model::read_layers() {
  const int64_t n_q = shape.head_dim * shape.n_head, n_k = shape.head_dim * shape.n_kv;
  embeddings = take("token_embd.weight", {shape.n_embd, 0}, true);
  shape.n_vocab = embeddings->ne[1];
  output_norm = take("output_norm.weight", {shape.n_embd}, true);
  output.weight = take("output.weight", {shape.n_embd, shape.n_vocab}, false);
  if (output.weight == nullptr) output.weight = embeddings;
  rope_freqs = take("rope_freqs.weight", {shape.head_dim / 2}, false);
  const int64_t in[n_targets] = {shape.n_embd, shape.n_embd, shape.n_embd, n_q, shape.n_embd, shape.n_embd, shape.n_ff};
  const int64_t out[n_targets] = {n_q, n_k, n_k, shape.n_embd, shape.n_ff, shape.n_ff, shape.n_embd};
  for (int64_t l = 0; l < shape.n_layer; l++) {
    const std::string prefix = "blk." + std::to_string(l) + ".";
    Layer layer;
    layer.attn_norm = take(prefix + "attn_norm.weight", {shape.n_embd}, true);
    layer.ffn_norm = take(prefix + "ffn_norm.weight", {shape.n_embd}, true);
    if (shape.architecture == "qwen3") {
      layer.q_norm = take(prefix + "attn_q_norm.weight", {shape.head_dim}, true);
      layer.k_norm = take(prefix + "attn_k_norm.weight", {shape.head_dim}, true);
    }
    if (ggml_get_tensor(meta_, (prefix + "attn_qkv.weight").c_str()) != nullptr) {
      throw TrainerError("E_ARCH_UNSUPPORTED", "fused attn_qkv weights are not supported");
    }
    for (int t = 0; t < n_targets; t++) {
      layer.matrices[t].weight = take(prefix + target_tensors[t] + ".weight", {in[t], out[t]}, true);
      layer.matrices[t].bias = take(prefix + target_tensors[t] + ".bias", {out[t]}, false);
    }
    layers.push_back(layer);
  }
  for (int64_t i = 0; i < gguf_get_n_tensors(gguf_); i++) {
    const std::string name = gguf_get_tensor_name(gguf_, i);
    const bool is_copy_of_freqs = name.size() > 18 && name.compare(name.size() - 17, 17, "rope_freqs.weight") == 0;
    if (!taken_.count(name) && !is_copy_of_freqs) {
      throw TrainerError("E_ARCH_UNSUPPORTED", "the model has a tensor this trainer does not know: " + name.substr(0, 60));
    }
  }
}

void Model::place(const std::string & path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw TrainerError("E_MODEL_UNREADABLE", "the model file cannot be read");
  struct stat status;
  fstat(file, &status);
  mapping_size_ = size_t(status.st_size);
  mapping_ = mmap(nullptr, mapping_size_, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    throw TrainerError("E_MODEL_UNREADABLE", "the model file cannot be mapped");
  }
  auto * bytes = static_cast<uint8_t *>(mapping_);
  const size_t start = gguf_get_data_offset(gguf_);

  Sha256 hash;
  hash.update(&mapping_size_, sizeof mapping_size_);
  hash.update(bytes, start);
  std::vector<std::pair<ggml_tensor *, size_t>> placed;
  for (int64_t i = 0; i < gguf_get_n_tensors(gguf_); i++) {
    ggml_tensor * tensor = ggml_get_tensor(meta_, gguf_get_tensor_name(gguf_, i));
    const size_t offset = start + gguf_get_tensor_offset(gguf_, i);
    hash.update(bytes + offset, std::min<size_t>(4096, ggml_nbytes(tensor)));
    placed.emplace_back(tensor, offset);
    weight_bytes += ggml_nbytes(tensor);
  }
  fingerprint = hash.hex();

  // ggml's CPU kernels may use aligned loads: a file whose data is not 32-byte aligned is copied.
  is_mapped = device_.is_cpu && gguf_get_alignment(gguf_) % 32 == 0;
  if (is_mapped) {
    buffer_ = ggml_backend_cpu_buffer_from_ptr(mapping_, mapping_size_);
    for (const auto & [tensor, offset] : placed) ggml_backend_tensor_alloc(buffer_, tensor, bytes + offset);
    return;
  }
  buffer_ = ggml_backend_alloc_ctx_tensors(meta_, device_.backend);
  if (buffer_ == nullptr) throw TrainerError("E_MEMORY_BUDGET", text("the %zu MB of weights do not fit in the device's memory", weight_bytes >> 20));
  for (const auto & [tensor, offset] : placed) ggml_backend_tensor_set(tensor, bytes + offset, 0, ggml_nbytes(tensor));
  munmap(mapping_, mapping_size_);
  mapping_ = nullptr;
}

size_t Model::transposed_bytes() const {
  size_t bytes = 0;
  const auto add = [&](const ggml_tensor * w) {
    bytes += ggml_row_size(GGML_TYPE_Q8_0, (w->ne[1] + 31) / 32 * 32) * size_t(w->ne[0]);
  };
  for (const Layer & layer : layers) {
    for (const Matrix & matrix : layer.matrices) add(matrix.weight);
  }
  add(output.weight);
  return bytes;
}

void Model::make_transposed() {
  if (transposed_buffer_ != nullptr) return;
  transposed_meta_ = ggml_init({ggml_tensor_overhead() * size_t(shape.n_layer * n_targets + 2), nullptr, true});
  std::vector<std::pair<Matrix *, ggml_tensor *>> jobs;
  const auto plan = [&](Matrix & matrix) {
    const ggml_tensor * w = matrix.weight;
    const ggml_type type = w->type == GGML_TYPE_F32 ? GGML_TYPE_F32 : w->ne[1] % 32 == 0 ? GGML_TYPE_Q8_0 : GGML_TYPE_F16;
    jobs.emplace_back(&matrix, ggml_new_tensor_2d(transposed_meta_, type, w->ne[1], w->ne[0]));
  };
  for (Layer & layer : layers) {
    for (Matrix & matrix : layer.matrices) plan(matrix);
  }
  plan(output);
  transposed_buffer_ = ggml_backend_alloc_ctx_tensors(transposed_meta_, device_.backend);
  if (transposed_buffer_ == nullptr) throw TrainerError("E_MEMORY_BUDGET", "the transposed weights do not fit in the device's memory");

  for (auto & [matrix, t] : jobs) {
    const ggml_tensor * w = matrix->weight;
    const int64_t n_in = w->ne[0], n_out = w->ne[1], block = 64;
    const size_t row_bytes = ggml_row_size(w->type, n_in);
    std::vector<uint8_t> raw(row_bytes * size_t(n_out)), packed(ggml_row_size(t->type, n_out) * size_t(block));
    ggml_backend_tensor_get(w, raw.data(), 0, raw.size());
    std::vector<float> row(static_cast<size_t>(n_in)), slab(size_t(block * n_out));
    for (int64_t from = 0; from < n_in; from += block) { // a slab of columns at a time bounds the F32 copy
      const int64_t n = std::min(block, n_in - from);
      for (int64_t o = 0; o < n_out; o++) {
        const uint8_t * source = raw.data() + size_t(o) * row_bytes;
        if (w->type == GGML_TYPE_F32) memcpy(row.data(), source, row_bytes);
        else ggml_get_type_traits(w->type)->to_float(source, row.data(), n_in);
        for (int64_t i = 0; i < n; i++) slab[size_t(i * n_out + o)] = row[size_t(from + i)];
      }
      ggml_quantize_chunk(t->type, slab.data(), packed.data(), 0, n, n_out, nullptr);
      ggml_backend_tensor_set(t, packed.data(), size_t(from) * t->nb[1], size_t(n) * t->nb[1]);
    }
    matrix->transposed = t;
  }
}
