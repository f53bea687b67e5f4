// Softmax over the vocabulary, losses and their gradient, a row at a time. Sums of exponentials in double: a vocabulary has 150,000 entries.

/** log of the sum of e^x. NaN among them gives NaN. */
static double log_sum_exp(const float * x, int64_t n) {
  vec top = splat(-1e30f);
  for (int64_t i = 0; i < n; i += VL) {
    const vec v = n - i >= VL ? load(x + i) : load_padded(x + i, n - i, -1e30f);
    top = v > top ? v : top;
  }
  float highest = -1e30f;
  for (int i = 0; i < VL; i++) highest = std::max(highest, top[i]);
  double total = 0;
  for (int64_t i = 0; i < n;) {
    vec sum{};
    for (const int64_t end = std::min(n, i + 64 * VL); i < end; i += VL) sum += exp_of((n - i >= VL ? load(x + i) : load_padded(x + i, n - i, -1e30f)) - highest);
    total += double(sum_of(sum));
  }
  return double(highest) + std::log(total);
}

static void head(const HeadView & h, int ith, int nth) {
  int64_t from, to;
  share(h.n_rows, ith, nth, 1, from, to);
  const int64_t n = h.n_vocab;
  for (int64_t row = from; row < to; row++) {
    float * x = h.logits + row * n;
    const float * base = h.base_logits != nullptr ? h.base_logits + row * n : nullptr;
    const auto lse = float(log_sum_exp(x, n)), base_lse = base != nullptr ? float(log_sum_exp(base, n)) : 0.0f;
    h.log_probability[row] = x[h.targets[row]] - lse;
    const bool gradient = h.coefficients != nullptr;
    const float c = gradient ? h.coefficients[row] : 0, k = gradient && h.kl_coefficients != nullptr ? h.kl_coefficients[row] : 0;
    double entropy = 0, kl = 0;
    for (int64_t i = 0; i < n;) {
      vec entropies{}, kls{};
      for (const int64_t end = std::min(n, i + 64 * VL); i < end; i += VL) {
        const int64_t left = std::min<int64_t>(VL, n - i);
        const vec log_p = (left == VL ? load(x + i) : load_padded(x + i, left, -1e30f)) - lse, p = exp_of(log_p);
        vec g = p * (c + k);
        entropies -= p * log_p;
        if (base != nullptr) {
          const vec log_q = (left == VL ? load(base + i) : load_padded(base + i, left, -1e30f)) - base_lse, q = exp_of(log_q);
          kls += q * (log_q - log_p);
          g -= q * k;
        }
        if (gradient && left == VL) store(x + i, g);
        else if (gradient) store_part(x + i, g, left);
      }
      entropy += double(sum_of(entropies));
      kl += double(sum_of(kls));
    }
    if (gradient) x[h.targets[row]] -= c;
    h.entropy[row] = float(entropy);
    h.kl[row] = float(kl);
  }
}
