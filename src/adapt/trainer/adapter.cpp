#include "adapter.hpp"

#include "atomic-file.hpp"
#include "error.hpp"
#include "gguf-extent.hpp"
#include "random.hpp"

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace {
constexpr size_t alignment = 64;
size_t aligned(size_t n_floats) { return (n_floats + 15) / 16 * 16; }

float * allocate(size_t n_floats) {
  auto * memory = static_cast<float *>(std::aligned_alloc(alignment, aligned(n_floats) * sizeof(float)));
  if (memory == nullptr) throw TrainerError("E_MEMORY_BUDGET", "the adapter does not fit in memory");
  return memory;
}

/** An opened adapter file: its header, and its tensors when they are asked for. */
struct File {
  explicit File(const std::string & path) : stream(fopen(path.c_str(), "rb"), fclose) {
    if (stream == nullptr) throw TrainerError("E_ADAPTER_INVALID", "the adapter file cannot be read");
    gguf = gguf_init_from_file_ptr(stream.get(), {/*no_alloc*/ true, &meta});
    if (gguf == nullptr || promised_bytes(gguf) > file_bytes(path)) {
      close();
      throw TrainerError("E_ADAPTER_INVALID", "the adapter file is not a whole GGUF");
    }
  }
  ~File() { close(); }
  File(const File &) = delete;
  File & operator=(const File &) = delete;

  std::string string_value(const char * key) const {
    const int64_t id = gguf_find_key(gguf, key);
    return id >= 0 && gguf_get_kv_type(gguf, id) == GGUF_TYPE_STRING ? gguf_get_val_str(gguf, id) : "";
  }

  void read(const ggml_tensor * tensor, void * to) const {
    const int64_t id = gguf_find_tensor(gguf, tensor->name);
    const size_t at = gguf_get_data_offset(gguf) + gguf_get_tensor_offset(gguf, id), bytes = ggml_nbytes(tensor);
    if (fseeko(stream.get(), off_t(at), SEEK_SET) != 0 || fread(to, 1, bytes, stream.get()) != bytes) {
      throw TrainerError("E_ADAPTER_INVALID", "the adapter file is not a whole GGUF");
    }
  }

  void close() {
    if (meta != nullptr) ggml_free(meta);
    if (gguf != nullptr) gguf_free(gguf);
    meta = nullptr;
    gguf = nullptr;
  }

  std::unique_ptr<FILE, int (*)(FILE *)> stream;
  gguf_context * gguf = nullptr;
  ggml_context * meta = nullptr;
};

std::string tensor_name(int64_t layer, int target, char which) {
  return "blk." + std::to_string(layer) + "." + target_tensors[size_t(target)] + ".weight.lora_" + which;
}

void check_belongs(const File & file, const Model & model) {
  if (file.string_value("general.type") != "adapter" || file.string_value("adapter.type") != "lora") {
    throw TrainerError("E_ADAPTER_INVALID", "the file is not a LoRA adapter");
  }
  if (file.string_value("general.architecture") != model.shape.architecture) {
    throw TrainerError("E_ADAPTER_MISMATCH", "the adapter is for another architecture");
  }
  const std::string base = file.string_value("asls.base_fingerprint");
  if (!base.empty() && base != model.fingerprint) throw TrainerError("E_ADAPTER_MISMATCH", "the adapter was trained on another base model");
}
} // namespace

Adapter::Adapter(const Model & model, Device & device, const LoraOptions & options, Use use) : options(options), model_(model), device_(device) {
  pairs_.resize(size_t(model.shape.n_layer));
  size_t n_tensors = 0;
  for (size_t l = 0; l < pairs_.size(); l++) {
    for (int t = 0; t < n_targets; t++) {
      if (!options.targets[size_t(t)]) continue;
      LoraPair & pair = pairs_[l][size_t(t)];
      pair.n_in = model.layers[l].matrices[size_t(t)].weight->ne[0];
      pair.n_out = model.layers[l].matrices[size_t(t)].weight->ne[1];
      pair.a_offset = size;
      size += aligned(size_t(pair.n_in * options.rank));
      pair.b_offset = size;
      size += aligned(size_t(pair.n_out * options.rank));
      n_tensors += 4;
    }
  }
  parameters = allocate(size);
  memset(parameters, 0, size * sizeof(float)); // what lies between two tensors stays so
  parameter_buffer_ = buffer_of(parameters);
  if (use == Use::train) {
    gradients = allocate(size);
    gradient_buffer_ = buffer_of(gradients);
  }
  meta_ = ggml_init({ggml_tensor_overhead() * (n_tensors + 1), nullptr, true});
  const auto tensor = [&](ggml_backend_buffer_t buffer, int64_t ne0, int64_t ne1, size_t offset) {
    ggml_tensor * t = ggml_new_tensor_2d(meta_, GGML_TYPE_F32, ne0, ne1);
    ggml_backend_tensor_alloc(buffer, t, static_cast<uint8_t *>(ggml_backend_buffer_get_base(buffer)) + offset * sizeof(float));
    return t;
  };
  for (auto & layer : pairs_) {
    for (LoraPair & pair : layer) {
      if (pair.n_in == 0) continue;
      pair.a = tensor(parameter_buffer_, pair.n_in, options.rank, pair.a_offset);
      pair.b = tensor(parameter_buffer_, options.rank, pair.n_out, pair.b_offset);
      if (gradients == nullptr) continue;
      pair.da = tensor(gradient_buffer_, pair.n_in, options.rank, pair.a_offset);
      pair.db = tensor(gradient_buffer_, options.rank, pair.n_out, pair.b_offset);
    }
  }
  if (gradients != nullptr) zero_gradients();
}

ggml_backend_buffer_t Adapter::buffer_of(float * host) const {
  const size_t bytes = size * sizeof(float);
  if (device_.is_cpu) return ggml_backend_cpu_buffer_from_ptr(host, bytes);
  ggml_backend_buffer_t buffer = ggml_backend_alloc_buffer(device_.backend, bytes);
  if (buffer == nullptr) throw TrainerError("E_MEMORY_BUDGET", "the adapter does not fit in the device's memory");
  return buffer;
}

Adapter::~Adapter() {
  ggml_free(meta_);
  ggml_backend_buffer_free(parameter_buffer_);
  ggml_backend_buffer_free(gradient_buffer_);
  std::free(parameters);
  std::free(gradients);
}

const LoraPair * Adapter::pair(int64_t layer, int target) const {
  return options.targets[size_t(target)] ? &pairs_[size_t(layer)][size_t(target)] : nullptr;
}

void Adapter::initialise(uint64_t seed) {
  memset(parameters, 0, size * sizeof(float));
  for (size_t l = 0; l < pairs_.size(); l++) {
    for (int t = 0; t < n_targets; t++) {
      const LoraPair & pair = pairs_[l][size_t(t)];
      if (pair.n_in == 0) continue;
      const Random random(seed, 1000 + l * n_targets + size_t(t));
      const float bound = 1.0f / std::sqrt(float(pair.n_in));
      for (size_t i = 0; i < size_t(pair.n_in * options.rank); i++) parameters[pair.a_offset + i] = (2.0f * random.unit(i) - 1.0f) * bound;
    }
  }
  upload();
}

LoraOptions Adapter::read_options(const std::string & path, const Model & model) {
  const File file(path);
  check_belongs(file, model);
  LoraOptions options;
  const int64_t id = gguf_find_key(file.gguf, "adapter.lora.alpha");
  if (id < 0 || gguf_get_kv_type(file.gguf, id) != GGUF_TYPE_FLOAT32) throw TrainerError("E_ADAPTER_INVALID", "the adapter has no alpha");
  options.alpha = gguf_get_val_f32(file.gguf, id);
  options.rank = 0;
  for (int t = 0; t < n_targets; t++) {
    const ggml_tensor * a = ggml_get_tensor(file.meta, tensor_name(0, t, 'a').c_str());
    options.targets[size_t(t)] = a != nullptr;
    if (a == nullptr) continue;
    // Without width they would take no bytes of the file, whatever their rank.
    const int64_t n_in = model.layers[0].matrices[size_t(t)].weight->ne[0];
    if (a->ne[0] != n_in) throw TrainerError("E_ADAPTER_MISMATCH", text("%s is %lld wide where %lld is needed", a->name, (long long) a->ne[0], (long long) n_in));
    if (options.rank != 0 && options.rank != a->ne[1]) throw TrainerError("E_ADAPTER_MISMATCH", "the adapter's rank differs between matrices");
    options.rank = int(a->ne[1]);
  }
  if (options.rank < 1 || !(options.alpha > 0)) throw TrainerError("E_ADAPTER_MISMATCH", "the adapter has none of the seven matrices");
  return options;
}

void Adapter::load(const std::string & path) {
  const File file(path);
  check_belongs(file, model_);
  int64_t n_expected = 0;
  const auto read = [&](const std::string & name, int64_t ne0, int64_t ne1, size_t offset) {
    const ggml_tensor * t = ggml_get_tensor(file.meta, name.c_str());
    if (t == nullptr) throw TrainerError("E_ADAPTER_MISMATCH", "the adapter lacks " + name);
    if (t->ne[0] != ne0 || t->ne[1] != ne1 || t->ne[2] != 1) {
      throw TrainerError("E_ADAPTER_MISMATCH", text("%s is %lld x %lld where %lld x %lld is needed", name.c_str(), (long long) t->ne[0], (long long) t->ne[1], (long long) ne0, (long long) ne1));
    }
    n_expected++;
    const int64_t n = ne0 * ne1;
    if (t->type == GGML_TYPE_F32) file.read(t, parameters + offset);
    else if (ggml_get_type_traits(t->type)->to_float != nullptr) {
      std::vector<uint8_t> stored(ggml_nbytes(t));
      file.read(t, stored.data());
      ggml_get_type_traits(t->type)->to_float(stored.data(), parameters + offset, n);
    } else throw TrainerError("E_ADAPTER_INVALID", "the adapter's tensor type is not readable");
    for (int64_t i = 0; i < n; i++) {
      if (!std::isfinite(parameters[offset + size_t(i)])) throw TrainerError("E_ADAPTER_INVALID", name + " holds a number that is not finite");
    }
  };
  for (size_t l = 0; l < pairs_.size(); l++) {
    for (int t = 0; t < n_targets; t++) {
      const LoraPair & pair = pairs_[l][size_t(t)];
      if (pair.n_in == 0) continue;
      read(tensor_name(int64_t(l), t, 'a'), pair.n_in, options.rank, pair.a_offset);
      read(tensor_name(int64_t(l), t, 'b'), options.rank, pair.n_out, pair.b_offset);
    }
  }
  if (gguf_get_n_tensors(file.gguf) != n_expected) {
    throw TrainerError("E_ADAPTER_MISMATCH", text("the adapter has %lld tensors where %lld are needed", (long long) gguf_get_n_tensors(file.gguf), (long long) n_expected));
  }
  upload();
}

void Adapter::save(const std::string & path) const {
  ggml_context * context = ggml_init({ggml_tensor_overhead() * (pairs_.size() * n_targets * 2 + 1), nullptr, true});
  gguf_context * gguf = gguf_init_empty();
  gguf_set_val_str(gguf, "general.architecture", model_.shape.architecture.c_str());
  gguf_set_val_str(gguf, "general.type", "adapter");
  gguf_set_val_str(gguf, "general.name", "asls adapter");
  gguf_set_val_str(gguf, "adapter.type", "lora");
  gguf_set_val_f32(gguf, "adapter.lora.alpha", options.alpha);
  gguf_set_val_str(gguf, "asls.base_fingerprint", model_.fingerprint.c_str());
  const auto add = [&](const std::string & name, int64_t ne0, int64_t ne1, size_t offset) {
    ggml_tensor * t = ggml_new_tensor_2d(context, GGML_TYPE_F32, ne0, ne1);
    ggml_set_name(t, name.c_str());
    t->data = parameters + offset;
    gguf_add_tensor(gguf, t);
  };
  for (size_t l = 0; l < pairs_.size(); l++) {
    for (int t = 0; t < n_targets; t++) {
      const LoraPair & pair = pairs_[l][size_t(t)];
      if (pair.n_in == 0) continue;
      add(tensor_name(int64_t(l), t, 'a'), pair.n_in, options.rank, pair.a_offset);
      add(tensor_name(int64_t(l), t, 'b'), options.rank, pair.n_out, pair.b_offset);
    }
  }
  const std::unique_ptr<gguf_context, void (*)(gguf_context *)> gguf_owner(gguf, gguf_free);
  const std::unique_ptr<ggml_context, void (*)(ggml_context *)> context_owner(context, ggml_free);
  write_file_atomically(path, [&](FILE * stream) { return gguf_write_to_file_ptr(gguf, stream, false); });
}

void Adapter::upload() {
  if (device_.is_cpu) return;
  for (const auto & layer : pairs_) {
    for (const LoraPair & pair : layer) {
      if (pair.n_in == 0) continue;
      ggml_backend_tensor_set(pair.a, parameters + pair.a_offset, 0, ggml_nbytes(pair.a));
      ggml_backend_tensor_set(pair.b, parameters + pair.b_offset, 0, ggml_nbytes(pair.b));
    }
  }
}

void Adapter::download_gradients() {
  if (device_.is_cpu) return;
  for (const auto & layer : pairs_) {
    for (const LoraPair & pair : layer) {
      if (pair.n_in == 0) continue;
      ggml_backend_tensor_get(pair.da, gradients + pair.a_offset, 0, ggml_nbytes(pair.da));
      ggml_backend_tensor_get(pair.db, gradients + pair.b_offset, 0, ggml_nbytes(pair.db));
    }
  }
}

void Adapter::zero_gradients() {
  memset(gradients, 0, size * sizeof(float));
  if (!device_.is_cpu) ggml_backend_buffer_clear(gradient_buffer_, 0);
}
