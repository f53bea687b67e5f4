#pragma once

#include "control.hpp"
#include "data.hpp"
#include "engine.hpp"
#include "objective.hpp"
#include "optimiser.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

/** A job with its typed options; `raw` is the checked message. */
struct Job {
  nlohmann::json raw;
  std::string mode, model, data, out, checkpoint, resume, init_adapter, backend, backward, activations;
  int threads = 1;
  int64_t memory_budget_mb = 0, checkpoint_every = 0, sequences = 1, accumulate = 1, max_tokens = 512; // budget 0: none
  uint64_t seed = 1;
  bool paused = false, token_losses = false, base_losses = true;
  LoraOptions lora;
  OptimiserOptions optimiser;
  LossOptions losses;
};

/** Throws E_TRAINER_USAGE. */
Job read_job(nlohmann::json raw);

/** What every mode but probe starts from, in the order it is destroyed. */
struct Setup {
  double process_mb = 0;
  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  Data data;
  std::unique_ptr<Adapter> adapter; // null: evaluate and score without init_adapter
  std::unique_ptr<Engine> engine;
};

/** Loads model, data and adapter, plans the memory, makes the engine and sends `plan`. @param first_step see plan.first_step. */
Setup set_up(const Job & job, Control & control);

/** Chooses backward and activations within the budget and makes the engine. Throws E_MEMORY_BUDGET with figures. */
nlohmann::json plan_memory(const Job & job, Setup & setup, Control & control);

void send_plan(const Job & job, const Setup & setup, const nlohmann::json & memory_plan, int64_t first_step, Control & control);

/** Totals for `done`. */
nlohmann::json metrics(int64_t steps, int64_t tokens, const nlohmann::json & first_loss, const nlohmann::json & final_loss, double seconds);

/** The group of an evaluate or score job that begins with example `first`. */
Batch measured_batch(const Job & job, const Data & data, size_t first);

void run_train(const Job & job, Control & control);
void run_measure(const Job & job, Control & control); // evaluate and score
void run_probe(const Job & job, Control & control);
