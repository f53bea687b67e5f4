#include "sha256.hpp"

#include "error.hpp"

#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace {
constexpr uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }
} // namespace

Sha256::Sha256() : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

void Sha256::block(const uint8_t * data) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) {
    w[i] = uint32_t(data[4 * i]) << 24 | uint32_t(data[4 * i + 1]) << 16 | uint32_t(data[4 * i + 2]) << 8 | data[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    const uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    const uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint32_t v[8];
  memcpy(v, state_, sizeof v);
  // Unrolled by 8 the values stay where they are, and only their names move on.
#pragma GCC unroll 8
  for (int i = 0; i < 64; i++) {
    uint32_t & a = v[(8 - i % 8) % 8], & b = v[(9 - i % 8) % 8], & c = v[(10 - i % 8) % 8], & d = v[(11 - i % 8) % 8];
    uint32_t & e = v[(12 - i % 8) % 8], & f = v[(13 - i % 8) % 8], & g = v[(14 - i % 8) % 8], & h = v[(15 - i % 8) % 8];
    const uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i];
    const uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    d += t1;
    h = t1 + s0 + ((a & b) ^ (a & c) ^ (b & c));
  }
  for (int i = 0; i < 8; i++) state_[i] += v[i];
}

void Sha256::update(const void * data, size_t size) {
  if (size == 0) return;
  const auto * bytes = static_cast<const uint8_t *>(data);
  total_ += size;
  while (size > 0) {
    if (n_pending_ == 0 && size >= 64) {
      block(bytes);
      bytes += 64;
      size -= 64;
      continue;
    }
    const size_t n = size < 64 - n_pending_ ? size : 64 - n_pending_;
    memcpy(pending_ + n_pending_, bytes, n);
    n_pending_ += n;
    bytes += n;
    size -= n;
    if (n_pending_ == 64) {
      block(pending_);
      n_pending_ = 0;
    }
  }
}

std::string Sha256::hex() {
  const uint64_t bits = total_ * 8;
  const uint8_t one = 0x80, zero = 0;
  update(&one, 1);
  while (n_pending_ != 56) update(&zero, 1);
  uint8_t length[8];
  for (int i = 0; i < 8; i++) length[i] = uint8_t(bits >> (56 - 8 * i));
  update(length, 8);
  std::string out;
  for (uint32_t word : state_) out += text("%08x", word);
  return out;
}

std::string sha256_file(const std::string & path) {
  std::unique_ptr<FILE, int (*)(FILE *)> file(fopen(path.c_str(), "rb"), fclose);
  if (!file) throw TrainerError("E_TRAINER_INTERNAL", "a file just written cannot be read back");
  Sha256 hash;
  std::vector<char> buffer(1 << 18);
  while (size_t n = fread(buffer.data(), 1, buffer.size(), file.get())) hash.update(buffer.data(), n);
  return hash.hex();
}
