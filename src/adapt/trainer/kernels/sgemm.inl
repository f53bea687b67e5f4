// c[m][n] (+)= alpha * sum_k a(m, k) b[k][n], F32. a(m, k) = a[m * sam + k * sak]; rows of b and c are contiguous.

template <int MR, int NV, bool part>
static inline void sgemm_tile(int64_t n_k, const float * a, int64_t sam, int64_t sak, const float * b, int64_t ldb, float * c, int64_t ldc, float alpha, bool accumulate, int64_t tail) {
  vec acc[MR][NV] = {};
  for (int64_t k = 0; k < n_k; k++) {
    vec bv[NV];
    for (int j = 0; j < NV; j++) bv[j] = part && j == NV - 1 ? load_part(b + k * ldb + j * VL, tail) : load(b + k * ldb + j * VL);
    for (int i = 0; i < MR; i++) {
      const float x = a[i * sam + k * sak];
      for (int j = 0; j < NV; j++) acc[i][j] += x * bv[j];
    }
  }
  for (int i = 0; i < MR; i++) {
    for (int j = 0; j < NV; j++) {
      float * to = c + i * ldc + j * VL;
      vec r = acc[i][j] * alpha;
      if (part && j == NV - 1) {
        if (accumulate) r += load_part(to, tail);
        store_part(to, r, tail);
      } else {
        if (accumulate) r += load(to);
        store(to, r);
      }
    }
  }
}

template <int NV, bool part>
static inline void sgemm_column(int64_t n_m, int64_t n_k, const float * a, int64_t sam, int64_t sak, const float * b, int64_t ldb, float * c, int64_t ldc, float alpha, bool accumulate, int64_t tail) {
  constexpr int MR = NV == 1 ? 8 : NV == 2 && REGISTERS == 32 ? 8 : 6;
  int64_t m = 0;
  for (; m + MR <= n_m; m += MR) sgemm_tile<MR, NV, part>(n_k, a + m * sam, sam, sak, b, ldb, c + m * ldc, ldc, alpha, accumulate, tail);
  for (; m + 2 <= n_m; m += 2) sgemm_tile<2, NV, part>(n_k, a + m * sam, sam, sak, b, ldb, c + m * ldc, ldc, alpha, accumulate, tail);
  for (; m < n_m; m++) sgemm_tile<1, NV, part>(n_k, a + m * sam, sam, sak, b, ldb, c + m * ldc, ldc, alpha, accumulate, tail);
}

static void sgemm(int64_t n_m, int64_t n_n, int64_t n_k, const float * a, int64_t sam, int64_t sak, const float * b, int64_t ldb, float * c, int64_t ldc, float alpha, bool accumulate) {
  int64_t n = 0;
  for (; n + WIDE * VL <= n_n; n += WIDE * VL) sgemm_column<WIDE, false>(n_m, n_k, a, sam, sak, b + n, ldb, c + n, ldc, alpha, accumulate, VL);
  for (; n + 2 * VL <= n_n; n += 2 * VL) sgemm_column<2, false>(n_m, n_k, a, sam, sak, b + n, ldb, c + n, ldc, alpha, accumulate, VL);
  for (; n + VL <= n_n; n += VL) sgemm_column<1, false>(n_m, n_k, a, sam, sak, b + n, ldb, c + n, ldc, alpha, accumulate, VL);
  if (n < n_n) sgemm_column<1, true>(n_m, n_k, a, sam, sak, b + n, ldb, c + n, ldc, alpha, accumulate, n_n - n);
}

/** c[m][n] = alpha * sum_k a[m][k] b[n][k]: both contiguous in k. */
static void sgemm_dot(int64_t n_m, int64_t n_n, int64_t n_k, const float * a, int64_t lda, const float * b, int64_t ldb, float * c, int64_t ldc, float alpha) {
  constexpr int R = 4, C = REGISTERS / 8;
  const auto tile = [&](int64_t m, int64_t n, int64_t rows, int64_t cols) {
    vec acc[R][C] = {};
    int64_t k = 0;
    if (rows == R && cols == C) {
      for (; k + VL <= n_k; k += VL) {
        vec bv[C];
        for (int j = 0; j < C; j++) bv[j] = load(b + (n + j) * ldb + k);
        for (int i = 0; i < R; i++) {
          const vec av = load(a + (m + i) * lda + k);
          for (int j = 0; j < C; j++) acc[i][j] += av * bv[j];
        }
      }
    } else {
      for (; k + VL <= n_k; k += VL) {
        for (int i = 0; i < rows; i++) {
          for (int j = 0; j < cols; j++) acc[i][j] += load(a + (m + i) * lda + k) * load(b + (n + j) * ldb + k);
        }
      }
    }
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        if (k < n_k) acc[i][j] += load_part(a + (m + i) * lda + k, n_k - k) * load_part(b + (n + j) * ldb + k, n_k - k);
        c[(m + i) * ldc + n + j] = alpha * sum_of(acc[i][j]);
      }
    }
  };
  for (int64_t m = 0; m < n_m; m += R) {
    for (int64_t n = 0; n < n_n; n += C) tile(m, n, std::min<int64_t>(R, n_m - m), std::min<int64_t>(C, n_n - n));
  }
}
