// Weights that are numbers of 8 bits or fewer in blocks of 32 already.

#if defined(ASLS_VNNI) || defined(ASLS_INT16)
/** A block of 32 weights as signed bytes and their scale. */
template <int type> static inline __m256i block_values(const uint8_t * block, float & scale) {
  uint16_t half;
  memcpy(&half, block, 2);
  scale = _cvtsh_ss(half);
  if (type == GGML_TYPE_Q8_0) return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(block + 2));
  if (type == GGML_TYPE_IQ4_NL) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 2)), low = _mm_set1_epi8(15);
    const __m256i levels = _mm256_broadcastsi128_si256(_mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113));
    return _mm256_shuffle_epi8(levels, _mm256_set_m128i(_mm_and_si128(_mm_srli_epi16(bytes, 4), low), _mm_and_si128(bytes, low)));
  }
  // Q4_0: (nibble - 8) * 16, so that few bits are lost when scales are brought to the same size
  scale *= 1.0f / 16;
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(block + 2)), high = _mm_set1_epi8(char(0xf0));
  const __m256i nibbles = _mm256_set_m128i(_mm_and_si128(bytes, high), _mm_and_si128(_mm_slli_epi16(bytes, 4), high));
  return _mm256_xor_si256(nibbles, _mm256_set1_epi8(char(0x80)));
}

template <int type> constexpr int64_t block_size_of = type == GGML_TYPE_Q8_0 ? 34 : 18;
constexpr int any_type = -1;
#endif
