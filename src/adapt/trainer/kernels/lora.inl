// Rank-r products and their gradients, F32.

static void lora_down(const float * x, const float * a, float * u, int64_t n, int64_t n_in, int64_t rank, float scale, int ith, int nth) {
  int64_t from, to;
  share(n, ith, nth, 4, from, to);
  sgemm_dot(to - from, rank, n_in, x + from * n_in, n_in, a, n_in, u + from * rank, rank, scale);
}

static void lora_up(const float * u, const float * b, float * y, int64_t n, int64_t n_out, int64_t rank, int64_t from, int64_t to) {
  constexpr int64_t width = WIDE * VL;
  static thread_local std::vector<float> panel; // b transposed: lanes are outputs
  panel.resize(size_t(width * rank));
  for (int64_t o = from; o < to; o += width) {
    const int64_t lanes = std::min(width, to - o);
    for (int64_t lane = 0; lane < lanes; lane++) {
      for (int64_t r = 0; r < rank; r++) panel[size_t(r * width + lane)] = b[(o + lane) * rank + r];
    }
    sgemm(n, lanes, rank, u, rank, 1, panel.data(), width, y + o, n_out, 1.0f, true);
  }
}

static void lora_up_back(const float * dy, const float * b, float * du, int64_t n, int64_t n_out, int64_t rank, float scale, int ith, int nth) {
  int64_t from, to;
  share(n, ith, nth, 8, from, to);
  sgemm(to - from, rank, n_out, dy + from * n_out, n_out, 1, b, rank, du + from * rank, rank, scale, false);
}

static void lora_down_back(const float * du, const float * a, float * dx, int64_t n, int64_t n_in, int64_t rank, int64_t from, int64_t to) {
  sgemm(n, to - from, rank, du, rank, 1, a + from, n_in, dx + from, n_in, 1.0f, true);
}

static void lora_gradients(const float * x, const float * u, const float * dy, const float * du, float * da, float * db, int64_t n, int64_t n_in, int64_t n_out, int64_t rank, int ith, int nth) {
  int64_t from, to;
  share(n_in, ith, nth, WIDE * VL, from, to);
  sgemm(rank, to - from, n, du, 1, rank, x + from, n_in, da + from, n_in, 1.0f, true);
  // b's gradient is computed transposed, its lanes along dy's rows: down its columns every load would touch another page
  constexpr int64_t width = WIDE * VL;
  static thread_local std::vector<float> part;
  part.resize(size_t(rank * width));
  share(n_out, ith, nth, width, from, to);
  for (int64_t o = from; o < to; o += width) {
    const int64_t lanes = std::min(width, to - o);
    sgemm(rank, lanes, n, u, 1, rank, dy + o, n_out, part.data(), width, 1.0f, false);
    for (int64_t lane = 0; lane < lanes; lane++) {
      for (int64_t r = 0; r < rank; r++) db[(o + lane) * rank + r] += part[size_t(r * width + lane)];
    }
  }
}
