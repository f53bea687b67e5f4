#pragma once

#include "kernels/kernels.hpp"

#include <ggml-backend.h>
#include <string>
#include <vector>

/** A ggml backend the trainer computes on. Owns it; not copyable. */
class Device {
public:
  /**
   * @param name cpu, cuda or vulkan.
   * Throws E_TRAINER_BACKEND when its library or a device is absent, E_TRAINER_TAG_MISMATCH when ggml is of another release.
   */
  Device(const std::string & name, int threads);
  ~Device();
  Device(const Device &) = delete;
  Device & operator=(const Device &) = delete;

  void set_threads(int threads);

  const std::string name;
  std::string description;
  ggml_backend_t backend = nullptr;
  /** Our own kernels; null: ggml's operations only (every accelerator, or ASLS_TRAINER_KERNELS=ggml). */
  const Kernels * kernels = nullptr;
  bool is_cpu = false;

private:
  void check_release() const;
  void * threadpool_ = nullptr;
  int threads_ = 0;
};

/** Backends whose library is installed, best known first; loads nothing. */
std::vector<std::string> installed_backends();

/** Folder of the libggml this process runs. */
std::string ggml_folder();
