#include "pool.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
constexpr int spins = 2000; // of a few tens of nanoseconds: covers the gap between two nodes on an idle machine

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

void sleep_while(std::atomic<uint32_t> & word, uint32_t value) { syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0); }
void wake(std::atomic<uint32_t> & word) { syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE, 1 << 30, nullptr, nullptr, 0); }
} // namespace

Pool::Pool(int threads) : threads_(threads) {
  for (int i = 1; i < threads; i++) workers_.emplace_back([this, i] { serve(i); });
}

Pool::~Pool() {
  ended_ = true;
  generation_++;
  wake(generation_);
  for (std::thread & worker : workers_) worker.join();
}

void Pool::run(const Work & work) {
  if (threads_ == 1) return work(0, 1);
  work_ = &work;
  pending_ = uint32_t(threads_ - 1);
  generation_++;
  if (sleeping_ > 0) wake(generation_);
  work(0, threads_);
  for (int i = 0; i < spins && pending_ > 0; i++) relax();
  while (const uint32_t left = pending_) {
    owner_sleeps_ = true;
    if (pending_ == left) sleep_while(pending_, left);
    owner_sleeps_ = false;
  }
}

void Pool::serve(int ith) {
  uint32_t seen = 0;
  for (;;) {
    for (int i = 0; i < spins && generation_ == seen; i++) relax();
    while (generation_ == seen) {
      sleeping_++;
      sleep_while(generation_, seen); // returns at once when the generation has moved on
      sleeping_--;
    }
    seen = generation_;
    if (ended_) return;
    (*work_)(ith, threads_);
    if (--pending_ == 0 && owner_sleeps_) wake(pending_);
  }
}
