#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

/**
 * Threads for the nodes of a graph. Unlike ggml's, which spin at every barrier, a thread that waits longer than some 50 us sleeps:
 * with other work on the cores ggml's barriers cost a scheduler slice each (docs/trainer.md#threads).
 *
 * INVARIANTS: only the owner calls run(), one call at a time. `work_` is written before `generation_` and read after it; `pending_`
 * reaches 0 only when every worker has left the work of this generation.
 */
class Pool {
public:
  using Work = std::function<void(int ith, int nth)>;

  /** @param threads in all, the caller included. */
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool &) = delete;
  Pool & operator=(const Pool &) = delete;

  /** Runs work(0, n) .. work(n - 1, n), each on its own thread, and returns when all have ended. Work must not throw. */
  void run(const Work & work);

private:
  void serve(int ith);
  const int threads_;
  const Work * work_ = nullptr;
  std::atomic<uint32_t> generation_{0}, pending_{0};
  std::atomic<int> sleeping_{0};
  std::atomic<bool> owner_sleeps_{false}, ended_{false};
  std::vector<std::thread> workers_;
};
