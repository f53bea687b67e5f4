#include "control.hpp"
#include "device.hpp"
#include "error.hpp"
#include "job.hpp"
#include "schema.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <sys/prctl.h>
#include <unistd.h>

namespace {
constexpr const char * version = "1";

void log_to_stderr(ggml_log_level level, const char * message, void *) {
  if (level == GGML_LOG_LEVEL_WARN || level == GGML_LOG_LEVEL_ERROR) fputs(message, stderr);
}

int report(Control & control, const std::string & code, const std::string & message) {
  control.send("error", {{"code", code}, {"message", message}, {"retryable", is_retryable(code)}});
  return exit_code_of(code);
}

int run(Control & control) {
  control.send("hello", {{"protocol", protocol().at("version")}, {"version", version}, {"ggml_tag", ASLS_GGML_TAG}, {"backends", installed_backends()}, {"pid", getpid()}});
  const Job job = read_job(control.wait_for_job());
  if (job.mode == "train") run_train(job, control);
  else if (job.mode == "probe") run_probe(job, control);
  else run_measure(job, control);
  return 0;
}
} // namespace

int main(int argc, char ** argv) {
  if (argc > 1) {
    (void) argv;
    fputs("asls-trainer takes no arguments: it speaks JSON lines on stdin and stdout (docs/trainer.md)\n", stderr);
    return 2;
  }
  setenv("GGML_NO_BACKTRACE", "1", 0); // ggml would start a debugger on a failed assertion
  mallopt(M_MMAP_THRESHOLD, 256 << 10); // what is freed goes back; glibc would raise the limit and keep it
  prctl(PR_SET_PDEATHSIG, SIGTERM); // an orphan checkpoints and leaves
  ggml_log_set(log_to_stderr, nullptr);
  Control control;
  try {
    return run(control);
  } catch (const StopRequested &) {
    control.send("done", {{"path", nullptr}, {"sha256", nullptr}, {"stopped", true}, {"metrics", metrics(0, 0, nullptr, nullptr, 0)}});
    return 0;
  } catch (const TrainerError & error) {
    return report(control, error.code, error.what());
  } catch (const std::bad_alloc &) {
    return report(control, "E_MEMORY_BUDGET", "the process ran out of memory");
  } catch (const std::exception & error) {
    fprintf(stderr, "asls-trainer: %s\n", error.what());
    return report(control, "E_TRAINER_INTERNAL", "an unexpected failure; see the log");
  }
}
