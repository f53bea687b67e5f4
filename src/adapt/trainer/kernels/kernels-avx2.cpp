#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ggml.h>
#include <memory>
#include <vector>
#include <immintrin.h>

#define VL 8
#define WIDE 2
#define ASLS_INT16

namespace {
#include "all.inl"
}

extern const Kernels kernels_avx2;
const Kernels kernels_avx2 = {"avx2", RowFormat::int16, RowFormat::int16, PANEL, linear<true>, linear<false>,
    to_bf16, from_bf16, nullptr, to_int16, to_ggml, RowFormat::ggml16, lora_down, lora_up, lora_up_back, lora_down_back, lora_gradients, attention, attention_back, head, norm, norm_back, gated, gated_back};
