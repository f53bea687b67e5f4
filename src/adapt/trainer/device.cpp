#include "device.hpp"

#include "error.hpp"

#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <fstream>
#include <ggml-cpu.h>
#include <ggml.h>
#include <sstream>
#include <unistd.h>

namespace {
bool is_file(const std::string & path) { return access(path.c_str(), R_OK) == 0; }

/** Library of an accelerator: named by the environment, beside ggml, or in node-llama-cpp's package for it. Empty: none. */
std::string accelerator_library(const std::string & name) {
  const std::string file = "libggml-" + name + ".so";
  if (const char * folder = getenv("ASLS_GGML_BACKEND_DIR")) {
    if (is_file(std::string(folder) + "/" + file)) return std::string(folder) + "/" + file;
  }
  const std::string beside = ggml_folder();
  if (is_file(beside + "/" + file)) return beside + "/" + file;
  const size_t bins = beside.find("/bins/");
  if (bins == std::string::npos) return "";
  const std::string platform = beside.substr(bins + 6); // linux-x64
  const std::string package = beside.substr(0, bins) + "-" + name + "/bins/" + platform + "-" + name + "/" + file;
  return is_file(package) ? package : "";
}

template <typename F> F procedure(ggml_backend_reg_t registry, const char * name) {
  void * address = ggml_backend_reg_get_proc_address(registry, name);
  if (address == nullptr) throw TrainerError("E_TRAINER_TAG_MISMATCH", text("ggml's CPU backend lacks %s", name));
  F function;
  memcpy(&function, &address, sizeof function);
  return function;
}
} // namespace

std::string ggml_folder() {
  Dl_info info;
  void * address;
  auto * function = &ggml_version;
  memcpy(&address, &function, sizeof address);
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return ASLS_GGML_LIB_DIR;
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

std::vector<std::string> installed_backends() {
  std::vector<std::string> out;
  for (const char * name : {"cuda", "vulkan"}) {
    if (!accelerator_library(name).empty()) out.push_back(name);
  }
  out.push_back("cpu");
  return out;
}

void Device::check_release() const {
  // The file names and node-llama-cpp's own record carry the release; ggml's structs promise nothing across releases.
  const std::string tag = ASLS_GGML_TAG, folder = ggml_folder();
  std::ifstream record(folder + "/_nlcBuildMetadata.json");
  std::stringstream content;
  content << record.rdbuf();
  const std::string json = content.str();
  if (!json.empty() && json.find("\"release\":\"" + tag + "\"") == std::string::npos) {
    throw TrainerError("E_TRAINER_TAG_MISMATCH", "compiled for llama.cpp " + tag + ", but the libraries in " + folder + " are of another release");
  }
}

Device::Device(const std::string & name, int threads) : name(name) {
  check_release();
  static bool cpu_loaded = false;
  if (!cpu_loaded) {
    ggml_backend_load_all_from_path(ggml_folder().c_str()); // picks the best CPU variant
    cpu_loaded = true;
  }
  ggml_backend_dev_t device = nullptr;
  is_cpu = name == "cpu";
  if (is_cpu) {
    device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  } else {
    ggml_backend_reg_t registry = nullptr;
    for (size_t i = 0; i < ggml_backend_reg_count() && registry == nullptr; i++) {
      if (strcasecmp(ggml_backend_reg_name(ggml_backend_reg_get(i)), name.c_str()) == 0) registry = ggml_backend_reg_get(i);
    }
    if (registry == nullptr) {
      const std::string library = accelerator_library(name);
      if (library.empty()) throw TrainerError("E_TRAINER_BACKEND", "libggml-" + name + ".so is not installed");
      registry = ggml_backend_load(library.c_str());
      if (registry == nullptr) throw TrainerError("E_TRAINER_BACKEND", "libggml-" + name + ".so does not load (driver missing?)");
    }
    if (ggml_backend_reg_dev_count(registry) > 0) device = ggml_backend_reg_dev_get(registry, 0);
  }
  if (device == nullptr) throw TrainerError("E_TRAINER_BACKEND", "backend " + name + " has no device");
  description = ggml_backend_dev_description(device);
  backend = ggml_backend_dev_init(device, nullptr);
  if (backend == nullptr) throw TrainerError("E_TRAINER_BACKEND", "backend " + name + " does not start");
  if (is_cpu) kernels = best_kernels();
  set_threads(threads);
}

void Device::set_threads(int threads) {
  if (threads == threads_) return;
  threads_ = threads;
  pool_ = std::make_unique<Pool>(is_cpu ? threads : 1);
  if (is_cpu) procedure<ggml_backend_set_n_threads_t>(ggml_backend_dev_backend_reg(ggml_backend_get_device(backend)), "ggml_backend_set_n_threads")(backend, 1);
}

Device::~Device() {
  if (backend != nullptr) ggml_backend_free(backend);
}
