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

static void gated(const float * gate, const float * up, float * y, int64_t n, int ith, int nth) {
  int64_t from, to;
  share(n, ith, nth, 1024, from, to);
  for (int64_t i = from; i < to; i += VL) {
    const int64_t left = std::min<int64_t>(VL, to - i);
    const vec g = left == VL ? load(gate + i) : load_part(gate + i, left), u = left == VL ? load(up + i) : load_part(up + i, left);
    const vec r = g * sigmoid_of(g) * u;
    if (left == VL) store(y + i, r);
    else store_part(y + i, r, left);
  }
}

static void gated_back(const float * gate, const float * up, const float * dy, float * dgate, float * dup, int64_t n, int ith, int nth) {
  int64_t from, to;
  share(n, ith, nth, 1024, from, to);
  for (int64_t i = from; i < to; i += VL) {
    const int64_t left = std::min<int64_t>(VL, to - i);
    const bool whole = left == VL;
    const vec g = whole ? load(gate + i) : load_part(gate + i, left), u = whole ? load(up + i) : load_part(up + i, left);
    const vec d = whole ? load(dy + i) : load_part(dy + i, left), s = sigmoid_of(g);
    const vec a = d * u * s * (1.0f + g * (1.0f - s)), b = d * g * s;
    if (whole) {
      store(dgate + i, a);
      store(dup + i, b);
    } else {
      store_part(dgate + i, a, left);
      store_part(dup + i, b, left);
    }
  }
}
