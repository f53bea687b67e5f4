// libFuzzer on everything the trainer reads: asls-fuzz-readers --reader=gguf|adapter|checkpoint|data|protocol
//   --model=FILE   the GGUF that adapters and checkpoints are read for
// A reader must take its input or refuse it with a TrainerError. Run by deploy/fuzz-trainer.sh.
#include "checkpoint.hpp"
#include "data.hpp"
#include "device.hpp"
#include "error.hpp"
#include "model.hpp"
#include "schema.hpp"
#include "sha256.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

namespace {
constexpr int64_t some_vocab = 2048, some_max_tokens = 512;
std::string reader = "gguf";

/** Kept for the whole run: what the files are read into. */
struct World {
  explicit World(const std::string & model_path) : device("cpu", 1), model(model_path, device), adapter(model, device, options(), Adapter::Use::train), optimiser(adapter, {}) {}
  static LoraOptions options() {
    LoraOptions o;
    o.rank = 1;
    o.targets[target_q] = true;
    return o;
  }
  Device device;
  Model model;
  Adapter adapter;
  Optimiser optimiser;
};
std::unique_ptr<Device> device;
std::unique_ptr<World> world;

/** The bytes as a file that has no name. */
struct MemoryFile {
  MemoryFile(const void * data, size_t size) : descriptor(memfd_create("fuzz", 0)) {
    if (descriptor < 0 || write(descriptor, data, size) != ssize_t(size)) abort();
    path = "/proc/self/fd/" + std::to_string(descriptor);
  }
  ~MemoryFile() { close(descriptor); }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile & operator=(const MemoryFile &) = delete;
  int descriptor;
  std::string path;
};

void read_all(const uint8_t * data, size_t size) {
  if (reader == "protocol") {
    nlohmann::json message = nlohmann::json::parse(data, data + size, nullptr, false);
    if (!message.is_discarded()) check_message(message, "parent");
    return;
  }
  if (reader == "checkpoint") {
    // With the right digest behind it, so that more than the digest is tried.
    Sha256 hash;
    hash.update(data, size);
    const std::string bytes = std::string(reinterpret_cast<const char *>(data), size) + hash.hex();
    const MemoryFile file(bytes.data(), bytes.size());
    read_checkpoint(file.path, "fuzz", world->adapter, world->optimiser);
    return;
  }
  const MemoryFile file(data, size);
  if (reader == "gguf") Model(file.path, *device);
  else if (reader == "data") read_data(file.path, some_vocab, some_max_tokens);
  else {
    const LoraOptions options = Adapter::read_options(file.path, world->model);
    Adapter(world->model, world->device, options, Adapter::Use::measure).load(file.path);
  }
}

void ignore_log(ggml_log_level, const char *, void *) {}

std::string option(const std::string & argument, const std::string & name) {
  return argument.rfind(name, 0) == 0 ? argument.substr(name.size()) : "";
}
} // namespace

extern "C" int LLVMFuzzerInitialize(int * argc, char *** argv) {
  std::string model;
  for (int i = 1; i < *argc; i++) {
    const std::string argument = (*argv)[i];
    if (const std::string name = option(argument, "--reader="); !name.empty()) reader = name;
    if (const std::string path = option(argument, "--model="); !path.empty()) model = path;
  }
  setenv("GGML_NO_BACKTRACE", "1", 0);
  ggml_log_set(ignore_log, nullptr);
  if (reader == "gguf") device = std::make_unique<Device>("cpu", 1);
  else if (reader == "adapter" || reader == "checkpoint") world = std::make_unique<World>(model);
  else if (reader != "data" && reader != "protocol") {
    fprintf(stderr, "no reader \"%s\": gguf, adapter, checkpoint, data, protocol\n", reader.c_str());
    exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t * data, size_t size) {
  try {
    read_all(data, size);
  } catch (const TrainerError &) {
    // Refused, as it should be.
  } catch (const std::bad_alloc &) {
    // The executable answers this with E_MEMORY_BUDGET.
  }
  return 0;
}
