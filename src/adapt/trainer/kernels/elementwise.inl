// Norms and the gated activation, one pass over memory each.

static void norm(const float * x, const float * w, float * y, int64_t n_rows, int64_t n, float eps, int ith, int nth) {
  int64_t from, to;
  share(n_rows, ith, nth, 1, from, to);
  for (int64_t row = from; row < to; row++) {
    const float * in = x + row * n;
    vec squares{};
    int64_t i = 0;
    for (; i + VL <= n; i += VL) squares += load(in + i) * load(in + i);
    float sum = sum_of(squares);
    for (; i < n; i++) sum += in[i] * in[i];
    const float r = 1.0f / std::sqrt(sum / float(n) + eps);
    for (int64_t k = 0; k < n; k++) y[row * n + k] = in[k] * r * w[k];
  }
}

static void norm_back(const float * dy, const float * x, const float * w, const float * add, float * dx, int64_t n_rows, int64_t n, float eps, int ith, int nth) {
  int64_t from, to;
  share(n_rows, ith, nth, 1, from, to);
  for (int64_t row = from; row < to; row++) {
    const float *g = dy + row * n, *in = x + row * n;
    vec squares{}, dots{};
    int64_t i = 0;
    for (; i + VL <= n; i += VL) {
      squares += load(in + i) * load(in + i);
      dots += load(in + i) * load(g + i) * load(w + i);
    }
    float sum = sum_of(squares), dot = sum_of(dots);
    for (; i < n; i++) {
      sum += in[i] * in[i];
      dot += in[i] * g[i] * w[i];
    }
    // y = w x r, r = (mean x^2 + eps)^-1/2: dx = r (w g - x r^2 mean(x w g))
    const float r = 1.0f / std::sqrt(sum / float(n) + eps), c = dot / float(n) * r * r;
    float * out = dx + row * n;
    if (add != nullptr) {
      for (int64_t k = 0; k < n; k++) out[k] = add[row * n + k] + r * (w[k] * g[k] - in[k] * c);
    } else {
      for (int64_t k = 0; k < n; k++) out[k] = r * (w[k] * g[k] - in[k] * c);
    }
  }
}

static inline vec sigmoid_of(vec x) { return 1.0f / (1.0f + exp_of(-x)); }

static inline vec load_some(const float * p, int64_t n) { return n == VL ? load(p) : load_part(p, n); }
static inline vec load_some(const uint16_t * p, int64_t n) { return n == VL ? load_bf16(p) : load_bf16_part(p, n); }
static inline void store_some(float * p, vec v, int64_t n) {
  if (n == VL) store(p, v);
  else store_part(p, v, n);
}

template <typename T> static void gated_of(const T * gate, const T * up, float * y, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += VL) {
    const int64_t n = std::min<int64_t>(VL, to - i);
    const vec g = load_some(gate + i, n);
    store_some(y + i, g * sigmoid_of(g) * load_some(up + i, n), n);
  }
}

static void gated(const void * gate, const void * up, bool bf16, float * y, int64_t n, int ith, int nth) {
  int64_t from, to;
  share(n, ith, nth, 1024, from, to);
  if (bf16) gated_of(static_cast<const uint16_t *>(gate), static_cast<const uint16_t *>(up), y, from, to);
  else gated_of(static_cast<const float *>(gate), static_cast<const float *>(up), y, from, to);
}

template <typename T> static void gated_back_of(const T * gate, const T * up, const float * dy, float * dgate, float * dup, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += VL) {
    const int64_t n = std::min<int64_t>(VL, to - i);
    const vec g = load_some(gate + i, n), d = load_some(dy + i, n), s = sigmoid_of(g);
    store_some(dgate + i, d * load_some(up + i, n) * s * (1.0f + g * (1.0f - s)), n);
    store_some(dup + i, d * g * s, n);
  }
}

static void gated_back(const void * gate, const void * up, bool bf16, const float * dy, float * dgate, float * dup, int64_t n, int ith, int nth) {
  int64_t from, to;
  share(n, ith, nth, 1024, from, to);
  if (bf16) gated_back_of(static_cast<const uint16_t *>(gate), static_cast<const uint16_t *>(up), dy, dgate, dup, from, to);
  else gated_back_of(static_cast<const float *>(gate), static_cast<const float *>(up), dy, dgate, dup, from, to);
}
