#pragma once

struct Kernels {
  const char * name;
};

inline const Kernels * best_kernels() { return nullptr; }
