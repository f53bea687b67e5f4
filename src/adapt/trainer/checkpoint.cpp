#include "checkpoint.hpp"

#include "atomic-file.hpp"
#include "error.hpp"
#include "sha256.hpp"

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace {
constexpr char magic[] = "ASLSCKP1";
constexpr size_t magic_size = 8, digest_size = 64;

bool is_header(const json & value) {
  const auto has = [&](const char * name, bool (json::*is)() const noexcept) { return value.contains(name) && (value.at(name).*is)(); };
  return value.is_object() && has("identity", &json::is_string) && has("step", &json::is_number_unsigned) && has("rate_bits", &json::is_number_unsigned) && has("size", &json::is_number_unsigned);
}
} // namespace

std::string write_checkpoint(const std::string & path, const std::string & identity, const Progress & progress, const Adapter & adapter, const Optimiser & optimiser) {
  uint64_t rate_bits;
  memcpy(&rate_bits, &progress.rate, sizeof rate_bits); // exact, where decimal digits might round
  const std::string header = json{{"identity", identity}, {"step", progress.step}, {"rate_bits", rate_bits}, {"size", adapter.size}}.dump();
  const uint64_t header_size = header.size();
  const size_t bytes = adapter.size * sizeof(float);
  std::string file_digest;
  write_file_atomically(path, [&](FILE * file) {
    Sha256 body, whole;
    const auto put = [&](const void * data, size_t size) {
      body.update(data, size);
      whole.update(data, size);
      return fwrite(data, 1, size, file) == size;
    };
    if (!put(magic, magic_size) || !put(&header_size, sizeof header_size) || !put(header.data(), header.size())) return false;
    if (!put(adapter.parameters, bytes) || !put(optimiser.first.data(), bytes) || !put(optimiser.second.data(), bytes)) return false;
    const std::string digest = body.hex();
    whole.update(digest.data(), digest.size());
    file_digest = whole.hex();
    return fwrite(digest.data(), 1, digest.size(), file) == digest.size();
  });
  return file_digest;
}

Progress read_checkpoint(const std::string & path, const std::string & identity, Adapter & adapter, Optimiser & optimiser) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw TrainerError("E_CHECKPOINT_INVALID", "the checkpoint cannot be read");
  const auto size = size_t(file.tellg());
  std::vector<char> bytes(size);
  file.seekg(0);
  file.read(bytes.data(), std::streamsize(size));
  uint64_t header_size = 0;
  if (!file || size < magic_size + sizeof header_size + digest_size || memcmp(bytes.data(), magic, magic_size) != 0) {
    throw TrainerError("E_CHECKPOINT_INVALID", "the file is not a checkpoint");
  }
  Sha256 hash;
  hash.update(bytes.data(), size - digest_size);
  if (hash.hex() != std::string(bytes.end() - long(digest_size), bytes.end())) throw TrainerError("E_CHECKPOINT_INVALID", "the checkpoint's digest does not match: it is damaged");
  memcpy(&header_size, bytes.data() + magic_size, sizeof header_size);
  const size_t header_at = magic_size + sizeof header_size;
  if (header_size > size - header_at - digest_size) throw TrainerError("E_CHECKPOINT_INVALID", "the checkpoint's header is damaged");
  const json header = json::parse(bytes.data() + header_at, bytes.data() + header_at + header_size, nullptr, false);
  if (!is_header(header)) throw TrainerError("E_CHECKPOINT_INVALID", "the checkpoint's header is damaged");
  if (header.value("identity", "") != identity) throw TrainerError("E_CHECKPOINT_MISMATCH", "the checkpoint was made with another model, data or options");
  const size_t part = adapter.size * sizeof(float);
  if (header.value("size", size_t(0)) != adapter.size || size != header_at + header_size + 3 * part + digest_size) {
    throw TrainerError("E_CHECKPOINT_INVALID", "the checkpoint's size does not fit its header");
  }
  const char * data = bytes.data() + header_at + header_size;
  memcpy(adapter.parameters, data, part);
  memcpy(optimiser.first.data(), data + part, part);
  memcpy(optimiser.second.data(), data + 2 * part, part);
  adapter.upload();
  Progress progress;
  progress.step = header.at("step");
  const uint64_t rate_bits = header.at("rate_bits");
  memcpy(&progress.rate, &rate_bits, sizeof progress.rate);
  return progress;
}
