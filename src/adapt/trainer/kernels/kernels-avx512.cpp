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


namespace {
#include "all.inl"
}

extern const Kernels kernels_avx512;
const Kernels kernels_avx512 = {"avx512", RowFormat::f32, RowFormat::f32, PANEL, linear<true>, linear<false>,
    to_bf16, from_bf16, nullptr, nullptr, nullptr, RowFormat::f32, lora_down, lora_up, lora_up_back, lora_down_back, lora_gradients, attention, attention_back, head, norm, norm_back, gated, gated_back};
