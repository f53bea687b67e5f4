#pragma once

#include "device.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

/** Thrown by Control::between_layers when the parent (or SIGTERM) asked to stop. */
struct StopRequested {};

/**
 * The parent's end of the conversation: reads orders on a thread of its own, sends messages and heartbeats.
 *
 * INVARIANTS: `mutex_` guards every order field; `output_mutex_` guards stdout. The compute thread only looks at orders in
 * between_layers() and between_steps(), so weights and optimiser never change under it.
 */
class Control {
public:
  Control();
  ~Control();
  Control(const Control &) = delete;
  Control & operator=(const Control &) = delete;

  /** Blocks until `start` came; its checked job with defaults filled in. Throws E_TRAINER_PROTOCOL, StopRequested. */
  nlohmann::json wait_for_job();
  /** Checks a message against the table and writes its line. */
  void send(const char * type, nlohmann::json fields);

  /** Called between any two layers: obeys pause, limits, duty and stop. Throws StopRequested, E_TRAINER_PROTOCOL. */
  void between_layers(Device & device);
  /** True once per `checkpoint` order. */
  bool take_checkpoint_order();
  /** Rate of the latest `rate` order since the last call. */
  std::optional<double> take_rate();

  void set_state(const char * state) { state_ = state; }
  void set_step(int64_t step) { step_ = step; }
  void start_paused() { paused_ = true; }
  /** Seconds spent resting or paused so far: not part of any speed. */
  double rest_seconds() const { return rest_seconds_; }

private:
  void read_orders();
  void beat();
  void obey(nlohmann::json & message);
  void fail(const std::string & code, const std::string & message);
  std::mutex mutex_, output_mutex_;
  std::condition_variable changed_;
  std::optional<nlohmann::json> job_;
  bool job_taken_ = false, paused_ = false, stop_ = false, checkpoint_ = false, ended_ = false;
  std::optional<double> rate_, duty_;
  std::optional<int> threads_;
  std::string failure_code_, failure_;
  std::atomic<const char *> state_{"waiting"};
  std::atomic<int64_t> step_{0};
  double rest_seconds_ = 0, work_started_ = 0;
  int wake_[2] = {-1, -1};
  std::thread reader_, heart_;
};

/** Monotonic seconds. */
double monotonic_seconds();
/** Processor seconds of this process, all threads. */
double cpu_seconds();
double resident_mb();
double peak_resident_mb();
