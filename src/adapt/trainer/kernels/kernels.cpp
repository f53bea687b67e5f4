#include "kernels.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

extern const Kernels kernels_generic;
#ifdef __x86_64__
extern const Kernels kernels_avx2, kernels_avx512, kernels_avx512bf16, kernels_avx512vnni, kernels_avx512vnnibf16;
#endif

void share_of(int64_t n, int ith, int nth, int64_t step, int64_t & from, int64_t & to) {
  const int64_t blocks = (n + step - 1) / step;
  from = std::min(n, blocks * ith / nth * step);
  to = std::min(n, blocks * (ith + 1) / nth * step);
}

const Kernels * best_kernels() {
  const char * wanted = getenv("ASLS_TRAINER_KERNELS");
  if (wanted != nullptr && strcmp(wanted, "ggml") == 0) return nullptr;
  const auto usable = [&](const Kernels & table, bool supported) { return supported && (wanted == nullptr || strcmp(wanted, table.name) == 0); };
#ifdef __x86_64__
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  if (usable(kernels_avx512vnnibf16, bf16 && vnni)) return &kernels_avx512vnnibf16;
  if (usable(kernels_avx512vnni, vnni)) return &kernels_avx512vnni;
  if (usable(kernels_avx512bf16, bf16)) return &kernels_avx512bf16;
  if (usable(kernels_avx512, avx512)) return &kernels_avx512;
  if (usable(kernels_avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return &kernels_avx2;
#endif
  return usable(kernels_generic, true) || wanted == nullptr ? &kernels_generic : nullptr;
}
