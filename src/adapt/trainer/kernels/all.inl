// Everything an instruction set's table needs. Before: VL, WIDE (vectors in a row of an F32 tile) and a namespace of its own.

#include "vector.inl"
#include "sgemm.inl"
#include "transpose.inl"
#include "linear.inl"
#include "lora.inl"
#include "attention.inl"
#include "head.inl"
#include "elementwise.inl"
