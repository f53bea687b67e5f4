#include "gguf-extent.hpp"

#include <algorithm>
#include <sys/stat.h>

size_t promised_bytes(const gguf_context * gguf) {
  size_t needed = gguf_get_data_offset(gguf);
  for (int64_t i = 0; i < gguf_get_n_tensors(gguf); i++) {
    needed = std::max(needed, gguf_get_data_offset(gguf) + gguf_get_tensor_offset(gguf, i) + gguf_get_tensor_size(gguf, i));
  }
  return needed;
}

size_t file_bytes(const std::string & path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? size_t(status.st_size) : 0;
}
