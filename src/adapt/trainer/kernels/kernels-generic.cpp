#include "kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ggml.h>
#include <memory>
#include <vector>


#define VL 4
#ifdef __aarch64__
#define WIDE 4 // 6 x 4 accumulators of 32 registers
#else
#define WIDE 2
#endif


namespace {
#include "all.inl"
}

#ifdef __aarch64__
constexpr const char * generic_name = "neon";
#else
constexpr const char * generic_name = "generic";
#endif

extern const Kernels kernels_generic;
const Kernels kernels_generic = {generic_name, RowFormat::f32, RowFormat::f32, PANEL, linear<true>, linear<false>,
    to_bf16, from_bf16, nullptr, nullptr, nullptr, RowFormat::f32, lora_down, lora_up, lora_up_back, lora_down_back, lora_gradients, attention, attention_back, head, norm, norm_back, gated, gated_back};
