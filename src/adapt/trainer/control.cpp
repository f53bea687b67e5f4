#include "control.hpp"

#include "error.hpp"
#include "schema.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

using nlohmann::json;

namespace {
constexpr auto heartbeat_period = std::chrono::seconds(5);
constexpr size_t longest_line = 1 << 20;
int signal_pipe = -1;

/** SIGTERM and SIGINT mean `stop`; only write() is allowed in a handler. */
void on_signal(int) {
  const char stop = 's';
  if (write(signal_pipe, &stop, 1) < 0) return;
}

double clock_seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}
} // namespace

double monotonic_seconds() { return clock_seconds(CLOCK_MONOTONIC); }
double cpu_seconds() { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID); }

double resident_mb() {
  long pages = 0, total = 0;
  if (FILE * file = fopen("/proc/self/statm", "r")) {
    if (fscanf(file, "%ld %ld", &total, &pages) != 2) pages = 0;
    fclose(file);
  }
  return double(pages) * double(sysconf(_SC_PAGESIZE)) / 1048576.0;
}

double peak_resident_mb() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024.0;
}

Control::Control() {
  if (pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) throw TrainerError("E_TRAINER_INTERNAL", "no pipe");
  signal_pipe = wake_[1];
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  reader_ = std::thread([this] { read_orders(); });
  heart_ = std::thread([this] { beat(); });
}

Control::~Control() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  const char quit = 'q';
  if (write(wake_[1], &quit, 1) < 0) perror("asls-trainer: wake");
  reader_.join();
  heart_.join();
  close(wake_[0]);
  close(wake_[1]);
}

void Control::fail(const std::string & code, const std::string & message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (failure_.empty()) {
    failure_code_ = code;
    failure_ = message;
  }
  changed_.notify_all();
}

void Control::read_orders() {
  std::string pending;
  char buffer[65536];
  bool open = true;
  for (;;) {
    pollfd watched[2] = {{wake_[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (poll(watched, open ? 2 : 1, -1) < 0 && errno != EINTR) return;
    if (watched[0].revents & POLLIN) {
      char what = 0;
      if (read(wake_[0], &what, 1) == 1 && what == 'q') return;
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
      changed_.notify_all();
    }
    if (!open || watched[1].revents == 0) continue;
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n <= 0) {
      // End of input after `start` is how a shell pipe looks; a parent that died is noticed by its death signal.
      open = false;
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!job_ && !job_taken_ && failure_.empty()) {
        failure_code_ = "E_TRAINER_PROTOCOL";
        failure_ = "the input ended before a start message";
      }
      changed_.notify_all();
      continue;
    }
    pending.append(buffer, size_t(n));
    for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
      const std::string line = pending.substr(0, end);
      if (line.find_first_not_of(" \r\t") == std::string::npos) continue;
      try {
        json message = json::parse(line);
        check_message(message, "parent");
        obey(message);
      } catch (const json::exception &) {
        fail("E_TRAINER_PROTOCOL", "an input line is not JSON");
      } catch (const TrainerError & error) {
        fail(error.code, error.what());
      }
    }
    if (pending.size() > longest_line) fail("E_TRAINER_PROTOCOL", "an input line is longer than 1 MiB");
  }
}

void Control::obey(json & message) {
  const std::string type = message.at("type");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (type == "start") {
    if (job_ || job_taken_) {
      if (failure_.empty()) {
        failure_code_ = "E_TRAINER_PROTOCOL";
        failure_ = "a second start message";
      }
    } else {
      job_ = message.at("job");
    }
  } else if (type == "limits") {
    if (message.contains("threads")) threads_ = message.at("threads").get<int>();
    if (message.contains("duty")) duty_ = message.at("duty").get<double>();
  } else if (type == "pause") {
    paused_ = true;
  } else if (type == "resume") {
    paused_ = false;
  } else if (type == "rate") {
    rate_ = message.at("lr").get<double>();
  } else if (type == "checkpoint") {
    checkpoint_ = true;
  } else if (type == "stop") {
    stop_ = true;
  }
  changed_.notify_all();
}

void Control::beat() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!changed_.wait_for(lock, heartbeat_period, [this] { return ended_; })) {
    lock.unlock();
    send("heartbeat", {{"step", step_.load()}, {"state", state_.load()}, {"rss_mb", resident_mb()}});
    lock.lock();
  }
}

json Control::wait_for_job() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return job_ || stop_ || !failure_.empty(); });
  if (!failure_.empty()) throw TrainerError(failure_code_, failure_);
  if (!job_) throw StopRequested{};
  job_taken_ = true;
  return std::move(*job_);
}

void Control::send(const char * type, json fields) {
  fields["v"] = protocol().at("version");
  fields["type"] = type;
  check_message(fields, "child");
  const std::string line = fields.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const std::lock_guard<std::mutex> lock(output_mutex_);
  fwrite(line.data(), 1, line.size(), stdout);
  fflush(stdout);
}

void Control::between_layers(Device & device) {
  std::unique_lock<std::mutex> lock(mutex_);
  const double now = monotonic_seconds();
  const auto urgent = [this] { return stop_ || !failure_.empty(); };
  const auto idle = [this] { return paused_ || (duty_ && *duty_ <= 0); };
  if (!idle() && !urgent() && duty_ && *duty_ < 1 && work_started_ > 0) {
    const double rest = (now - work_started_) * (1 - *duty_) / *duty_;
    changed_.wait_for(lock, std::chrono::duration<double>(rest), [&] { return urgent() || idle(); });
  }
  if (idle() && !urgent()) {
    const char * before = state_;
    state_ = "paused";
    lock.unlock();
    send("paused", {{"step", step_.load()}});
    lock.lock();
    changed_.wait(lock, [&] { return urgent() || !idle(); });
    lock.unlock();
    state_ = before;
    send("resumed", {{"step", step_.load()}});
    lock.lock();
  }
  if (!failure_.empty()) throw TrainerError(failure_code_, failure_);
  if (stop_) throw StopRequested{};
  const std::optional<int> threads = threads_;
  threads_.reset();
  lock.unlock();
  if (threads) device.set_threads(*threads);
  work_started_ = monotonic_seconds();
  rest_seconds_ += work_started_ - now;
}

bool Control::take_checkpoint_order() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(checkpoint_, false);
}

std::optional<double> Control::take_rate() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(rate_, std::nullopt);
}
