#include "shared-batch.hpp"

#include <algorithm>

namespace {
Batch plain_batch(const std::vector<const Example *> & group) {
  Batch batch;
  for (const Example * e : group) batch.append(e->tokens, e->targets);
  return batch;
}

/** Tokens at the beginning that both have. */
size_t common_tokens(const std::vector<int32_t> & a, const std::vector<int32_t> & b) {
  const size_t most = std::min(a.size(), b.size());
  return size_t(std::mismatch(a.begin(), a.begin() + int64_t(most), b.begin()).first - a.begin());
}
} // namespace

Batch shared_batch(const std::vector<const Example *> & group) {
  Batch batch;
  std::vector<std::vector<int32_t>> rows; // of each sequence
  for (size_t i = 0; i < group.size(); i++) {
    const Example & e = *group[i];
    size_t common = 0, like = 0;
    for (size_t earlier = 0; earlier < i; earlier++) {
      const size_t n = common_tokens(e.tokens, group[earlier]->tokens);
      if (n > common) common = n, like = earlier;
    }
    std::vector<int32_t> own;
    if (common > 0) own.assign(rows[like].begin(), rows[like].begin() + int64_t(common));
    for (size_t p = common; p < e.tokens.size(); p++) {
      own.push_back(int32_t(batch.size()));
      batch.attention_places.push_back(int32_t(batch.attention_rows.size() + p));
      batch.tokens.push_back(e.tokens[p]);
      batch.positions.push_back(int32_t(p));
    }
    batch.segments.push_back({int64_t(batch.attention_rows.size()), int64_t(own.size())});
    batch.append_targets(e.tokens, e.targets, [&own](int64_t p) { return own[size_t(p)]; });
    batch.attention_rows.insert(batch.attention_rows.end(), own.begin(), own.end());
    rows.push_back(std::move(own));
  }
  return 8 * batch.size() <= 7 * batch.attended() ? batch : plain_batch(group);
}
