#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

enum class Kind { ce, kto, dpo };

using Spans = std::vector<std::pair<int64_t, int64_t>>;

/** One line of the data file; see object `example` of protocol.json. */
struct Example {
  std::string id, group;
  Kind kind;
  float weight;
  std::vector<int32_t> tokens, rejected;
  Spans targets, rejected_targets;
  bool desirable = false;

  int64_t n_targets() const { return count(targets); }
  static int64_t count(const Spans & spans) {
    int64_t n = 0;
    for (const auto & [from, to] : spans) n += to - from;
    return n;
  }
  int64_t n_tokens() const { return int64_t(tokens.size() + rejected.size()); }
};

struct Data {
  std::vector<Example> examples;
  int64_t n_tokens = 0;
  /** SHA-256 of the file. */
  std::string sha256;
};

/** Reads and checks a token JSONL. Throws E_DATA_INVALID, naming line and field, never the content. */
Data read_data(const std::string & path, int64_t n_vocab, int64_t max_tokens);
