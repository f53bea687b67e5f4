// Causal attention of one sequence in F32: nothing of size tokens x tokens is stored, the backward pass computes the softmax again.

constexpr int64_t ROWS = 32; // query rows at a time

/** to[k][t] = from[t * stride + k], padded to ld. */
static void transpose_heads(const float * from, int64_t stride, int64_t n, int64_t d, float * to, int64_t ld) {
  for (int64_t t = 0; t < n; t++) {
    for (int64_t k = 0; k < d; k++) to[k * ld + t] = from[t * stride + k];
  }
}

/** p[i][j], j <= row0 + i: softmax of scale * q k^T; the rest of each row up to n_cols is 0. */
static void softmax_rows(const float * q, int64_t q_stride, const float * kt, int64_t ld, int64_t row0, int64_t rows, int64_t n_cols, int64_t d, float scale, float * p) {
  sgemm(rows, n_cols, d, q, q_stride, 1, kt, ld, p, ld, scale, false);
  for (int64_t i = 0; i < rows; i++) {
    float * row = p + i * ld;
    const int64_t n = row0 + i + 1;
    for (int64_t j = n; j < n_cols; j++) row[j] = -1e30f; // exp gives 0
    const int64_t padded = (n_cols + VL - 1) / VL * VL;
    for (int64_t j = n_cols; j < padded; j++) row[j] = -1e30f;
    vec top = splat(-1e30f);
    for (int64_t j = 0; j < padded; j += VL) {
      const vec v = load(row + j);
      top = v > top ? v : top;
    }
    float highest = -1e30f;
    for (int j = 0; j < VL; j++) highest = std::max(highest, top[j]);
    vec total{};
    for (int64_t j = 0; j < padded; j += VL) {
      const vec e = exp_of(load(row + j) - highest);
      store(row + j, e);
      total += e;
    }
    const float inverse = 1.0f / sum_of(total);
    for (int64_t j = 0; j < padded; j += VL) store(row + j, load(row + j) * inverse);
  }
}

static std::vector<float> & attention_scratch(size_t n) {
  static thread_local std::vector<float> memory;
  if (memory.size() < n) memory.resize(n);
  return memory;
}

static void attention(const AttentionView & a, int ith, int nth) {
  const int64_t group = a.n_head / a.n_kv, ld = (a.n_tokens + VL - 1) / VL * VL, q_stride = a.n_head * a.d, k_stride = a.n_kv * a.d;
  std::vector<float> & memory = attention_scratch(size_t(ld * (a.d + ROWS)));
  float *kt = memory.data(), *p = kt + ld * a.d;
  int64_t from, to;
  share(a.n_head, ith, nth, 1, from, to);
  for (int64_t head = from; head < to; head++) {
    const int64_t kv = head / group;
    if (head == from || head % group == 0) transpose_heads(a.k + kv * a.d, k_stride, a.n_tokens, a.d, kt, ld);
    for (int64_t row0 = 0; row0 < a.n_tokens; row0 += ROWS) {
      const int64_t rows = std::min(ROWS, a.n_tokens - row0), n_cols = row0 + rows;
      softmax_rows(a.q + row0 * q_stride + head * a.d, q_stride, kt, ld, row0, rows, n_cols, a.d, a.scale, p);
      sgemm(rows, a.d, n_cols, p, ld, 1, a.v + kv * a.d, k_stride, a.result + row0 * q_stride + head * a.d, q_stride, 1.0f, false);
    }
  }
}

static void attention_back(const AttentionView & a, int ith, int nth) {
  const int64_t group = a.n_head / a.n_kv, ld = (a.n_tokens + VL - 1) / VL * VL, q_stride = a.n_head * a.d, k_stride = a.n_kv * a.d;
  std::vector<float> & memory = attention_scratch(size_t(ld * (2 * a.d + 2 * ROWS)));
  float *kt = memory.data(), *vt = kt + ld * a.d, *p = vt + ld * a.d, *ds = p + ld * ROWS;
  int64_t from, to;
  share(a.n_kv, ith, nth, 1, from, to); // the heads of a group add to the same dk and dv
  for (int64_t kv = from; kv < to; kv++) {
    transpose_heads(a.k + kv * a.d, k_stride, a.n_tokens, a.d, kt, ld);
    transpose_heads(a.v + kv * a.d, k_stride, a.n_tokens, a.d, vt, ld);
    for (int64_t t = 0; t < a.n_tokens; t++) {
      memset(a.dk + t * k_stride + kv * a.d, 0, size_t(a.d) * sizeof(float));
      memset(a.dv + t * k_stride + kv * a.d, 0, size_t(a.d) * sizeof(float));
    }
    for (int64_t head = kv * group; head < (kv + 1) * group; head++) {
      for (int64_t row0 = 0; row0 < a.n_tokens; row0 += ROWS) {
        const int64_t rows = std::min(ROWS, a.n_tokens - row0), n_cols = row0 + rows, at = row0 * q_stride + head * a.d;
        softmax_rows(a.q + at, q_stride, kt, ld, row0, rows, n_cols, a.d, a.scale, p);
        sgemm(rows, n_cols, a.d, a.dout + at, q_stride, 1, vt, ld, ds, ld, 1.0f, false);
        for (int64_t i = 0; i < rows; i++) {
          float dot = 0; // sum_j p_j dp_j = out . dout
          for (int64_t k = 0; k < a.d; k++) dot += a.out[at + i * q_stride + k] * a.dout[at + i * q_stride + k];
          for (int64_t j = 0; j < n_cols; j++) ds[i * ld + j] = p[i * ld + j] * (ds[i * ld + j] - dot) * a.scale;
        }
        sgemm(rows, a.d, n_cols, ds, ld, 1, a.k + kv * a.d, k_stride, a.dq + at, q_stride, 1.0f, false);
        sgemm(n_cols, a.d, rows, ds, 1, ld, a.q + at, q_stride, a.dk + kv * a.d, k_stride, 1.0f, true);
        sgemm(n_cols, a.d, rows, p, 1, ld, a.dout + at, q_stride, a.dv + kv * a.d, k_stride, 1.0f, true);
      }
    }
  }
}
