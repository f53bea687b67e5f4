#include "kernels.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

extern const Kernels kernels_generic;
#ifdef __x86_64__
extern const Kernels kernels_avx2, kernels_avx512, kernels_avx512bf16, kernels_avx512vnni, kernels_avx512vnnibf16, kernels_amxbf16;
#endif

#ifdef __x86_64__
/** Whether the processor has AMX's BF16 products and Linux (5.16) lets this process use the tile registers. */
static bool may_use_tiles() {
  unsigned a, b, c, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  constexpr int arch_req_xcomp_perm = 0x1023, tile_data = 18;
  return (d & amx_bf16) != 0 && (d & amx_tile) != 0 && syscall(SYS_arch_prctl, arch_req_xcomp_perm, tile_data) == 0;
}
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
  if (usable(kernels_amxbf16, bf16 && may_use_tiles())) return &kernels_amxbf16;
  if (usable(kernels_avx512vnnibf16, bf16 && vnni)) return &kernels_avx512vnnibf16;
  if (usable(kernels_avx512vnni, vnni)) return &kernels_avx512vnni;
  if (usable(kernels_avx512bf16, bf16)) return &kernels_avx512bf16;
  if (usable(kernels_avx512, avx512)) return &kernels_avx512;
  if (usable(kernels_avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) return &kernels_avx2;
#endif
  return usable(kernels_generic, true) || wanted == nullptr ? &kernels_generic : nullptr;
}
