// Included once per instruction set, inside its namespace. VL: floats per vector register.

// Values are as aligned as the compiler wants them. Only what is read from and written to memory may lie anywhere: when the
// values themselves said so, g++ 14 put them on the stack unaligned and stored them with aligned instructions.
typedef float vec __attribute__((vector_size(VL * 4), may_alias));
typedef int32_t ivec __attribute__((vector_size(VL * 4), may_alias));
typedef float memory_vec __attribute__((vector_size(VL * 4), aligned(4), may_alias));

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int REGISTERS = 32;
#else
constexpr int REGISTERS = 16;
#endif

static inline vec load(const float * p) { return *reinterpret_cast<const memory_vec *>(p); }
static inline void store(float * p, vec v) { *reinterpret_cast<memory_vec *>(p) = v; }
static inline vec splat(float x) { return x - vec{}; }

/** Lanes [0, n) from memory, the others 0; reads nothing behind them. */
#ifdef __AVX512F__
static inline vec load_part(const float * p, int64_t n) { return vec(_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p)); }
static inline void store_part(float * p, vec v, int64_t n) { _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), __m512(v)); }
#else
static inline vec load_part(const float * p, int64_t n) {
  vec v{};
  memcpy(&v, p, size_t(n) * sizeof(float));
  return v;
}
static inline void store_part(float * p, vec v, int64_t n) { memcpy(p, &v, size_t(n) * sizeof(float)); }
#endif

/** Lanes [0, n) from memory, the others `rest`. */
static inline vec load_padded(const float * p, int64_t n, float rest) {
  vec v = load_part(p, n);
  for (int64_t i = n; i < VL; i++) v[i] = rest;
  return v;
}

typedef uint16_t memory_half_vec __attribute__((vector_size(VL * 2), aligned(2), may_alias));
/** BF16 is the upper half of F32. */
static inline vec load_bf16(const uint16_t * p) {
  const ivec bits = __builtin_convertvector(*reinterpret_cast<const memory_half_vec *>(p), ivec) << 16;
  return reinterpret_cast<const vec &>(bits);
}
static inline vec load_bf16_part(const uint16_t * p, int64_t n) {
  uint16_t whole[VL] = {};
  memcpy(whole, p, size_t(n) * sizeof(uint16_t));
  return load_bf16(whole);
}

static inline float sum_of(vec v) {
  float lanes[VL];
  memcpy(lanes, &v, sizeof lanes);
  for (int width = VL / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

/** e^x, relative error below 2e-7 on [-87, 88]; smaller x give 0. Range reduction and polynomial after Cephes' expf. */
static inline vec exp_of(vec x) {
  const vec low = splat(-87.0f), high = splat(88.0f);
  const ivec tiny = x < low;
  x = tiny ? low : x;
  x = x > high ? high : x;
  const vec shifted = x * 1.44269504088896341f + 12582912.0f; // adds 1.5 * 2^23: rounds to an integer in the low mantissa bits
  const vec n = shifted - 12582912.0f;
  vec r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const ivec exponent = (reinterpret_cast<const ivec &>(shifted) << 23) + (127 << 23); // the bits above fall off
  const vec result = p * reinterpret_cast<const vec &>(exponent);
  return tiny ? vec{} : result;
}

static inline void share(int64_t n, int ith, int nth, int64_t step, int64_t & from, int64_t & to) { share_of(n, ith, nth, step, from, to); }
