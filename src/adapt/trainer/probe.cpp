#include "error.hpp"
#include "job.hpp"

void run_probe(const Job & job, Control & control) {
  (void) job;
  (void) control;
  throw TrainerError("E_TRAINER_USAGE", "probe is not built in yet");
}
