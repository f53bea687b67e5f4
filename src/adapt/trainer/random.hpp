#pragma once

#include <cstdint>

/** Counter-based random numbers: the n-th value of a stream depends on (seed, stream, n) only, so that a resume needs no state. */
class Random {
public:
  Random(uint64_t seed, uint64_t stream) : base_(mix(seed + 0x9e3779b97f4a7c15u * (stream + 1))) {}

  /** The n-th 64-bit value. */
  uint64_t bits(uint64_t n) const { return mix(base_ + 0x9e3779b97f4a7c15u * (n + 1)); }
  /** The n-th value in [0, 1), 24 bits. */
  float unit(uint64_t n) const { return float(bits(n) >> 40) * 0x1p-24f; }
  /** The n-th value in [0, limit); the bias of at most limit / 2^64 is of no consequence here. */
  uint64_t below(uint64_t n, uint64_t limit) const { return uint64_t((static_cast<unsigned __int128>(bits(n)) * limit) >> 64); }

private:
  /** SplitMix64's finaliser (Steele, Lea, Flood 2014). */
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t base_;
};
