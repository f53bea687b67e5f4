#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/** SHA-256 (FIPS 180-4), streaming. */
class Sha256 {
public:
  Sha256();
  void update(const void * data, size_t size);
  /** Hex digest; the object must not be used afterwards. */
  std::string hex();

private:
  void block(const uint8_t * data);
  uint32_t state_[8];
  uint8_t pending_[64];
  size_t n_pending_ = 0;
  uint64_t total_ = 0;
};

/** Digest of a whole file, hex. Throws E_TRAINER_INTERNAL when it cannot be read. */
std::string sha256_file(const std::string & path);
