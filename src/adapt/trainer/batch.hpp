#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/** One sequence inside a group: rows [from, from + size) of every activation, or of the attention's where rows are shared. */
struct Segment {
  int64_t from, size;
};

/** Sequences packed one after another and processed together, layer by layer; attention stays within a sequence. */
struct Batch {
  std::vector<int32_t> tokens, positions;
  std::vector<Segment> segments;
  /** Row whose hidden state predicts, and the token predicted; both per target token, in order of the sequences. */
  std::vector<int32_t> target_rows, target_tokens;
  /** Targets [first, first + count) of each segment. */
  std::vector<Segment> segment_targets;
  /** Names the group for dropout: the same group of the same step gets the same masks. */
  uint64_t dropout_stream = 0;
  /**
   * Where sequences begin alike (see shared_batch), rows that are the same are there once: the row of each token of each
   * segment, and for each row one place in that list. Both empty: every token has a row of its own.
   */
  std::vector<int32_t> attention_rows, attention_places;

  int64_t size() const { return int64_t(tokens.size()); }
  bool is_shared() const { return !attention_rows.empty(); }
  /** Rows that attention works on. */
  int64_t attended() const { return is_shared() ? int64_t(attention_rows.size()) : size(); }

  /** Appends a sequence; `spans` are half-open ranges of positions that are predicted. */
  void append(const std::vector<int32_t> & sequence, const std::vector<std::pair<int64_t, int64_t>> & spans) {
    const int64_t from = size();
    segments.push_back({from, int64_t(sequence.size())});
    for (size_t i = 0; i < sequence.size(); i++) {
      tokens.push_back(sequence[i]);
      positions.push_back(int32_t(i));
    }
    append_targets(sequence, spans, [from](int64_t p) { return int32_t(from + p); });
  }

  /** @param row_of the row of a position. */
  template <typename RowOf> void append_targets(const std::vector<int32_t> & sequence, const std::vector<std::pair<int64_t, int64_t>> & spans, const RowOf & row_of) {
    segment_targets.push_back({int64_t(target_rows.size()), 0});
    for (const auto & [begin, end] : spans) {
      for (int64_t p = begin; p < end; p++) {
        target_rows.push_back(row_of(p - 1));
        target_tokens.push_back(sequence[size_t(p)]);
        segment_targets.back().size++;
      }
    }
  }
};
