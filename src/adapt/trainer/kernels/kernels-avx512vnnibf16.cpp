#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ggml.h>
#include <memory>
#include <vector>
#include <immintrin.h>

#define VL 16
#define WIDE 4
#define ASLS_BF16
#define ASLS_VNNI

namespace {
#include "all.inl"
}

extern const Kernels kernels_avx512vnnibf16;
const Kernels kernels_avx512vnnibf16 = {"avx512vnnibf16", RowFormat::bf16, RowFormat::bf16, PANEL, linear<true>, linear<false>,
    to_bf16, from_bf16, to_int8<false>, nullptr, to_int8<true>, RowFormat::int8, lora_down, lora_up, lora_up_back, lora_down_back, lora_gradients, attention, attention_back, head, norm, norm_back, gated, gated_back};
