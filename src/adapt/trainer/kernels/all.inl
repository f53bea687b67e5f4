// Everything an instruction set's table needs. Before: VL, WIDE (vectors per panel), TABLE (its name), and a namespace of its own.

#include "vector.inl"
#include "sgemm.inl"
#include "transpose.inl"
#include "linear.inl"
#include "lora.inl"
#include "attention.inl"
#include "head.inl"
#include "elementwise.inl"
