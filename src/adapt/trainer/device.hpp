#pragma once

#include "kernels/kernels.hpp"
#include "pool.hpp"

#include <ggml-backend.h>
#include <memory>
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

  /** Threads of our own kernels; ggml itself runs on the calling thread. No effect on accelerators. */
  void set_threads(int threads);
  Pool & pool() { return *pool_; }

  const std::string name;
  std::string description;
  ggml_backend_t backend = nullptr;
  /** Our own kernels; null: ggml's operations only (every accelerator, or ASLS_TRAINER_KERNELS=ggml). */
  const Kernels * kernels = nullptr;
  bool is_cpu = false;

private:
  void check_release() const;
  std::unique_ptr<Pool> pool_;
  int threads_ = 0;
};

/** Backends whose library is installed, best known first; loads nothing. */
std::vector<std::string> installed_backends();

/** Folder of the libggml this process runs. */
std::string ggml_folder();
