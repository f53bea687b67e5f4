// Products of BF16 panels in the tile registers of AMX: 16 x 32 activations times 32 x 16 weights per instruction, 16 times what VDPBF16PS does.
// The panel's rows of pairs are what TDPBF16PS wants as its second factor.

#ifdef ASLS_AMX
/** GCC's intrinsics do not say that they read memory (only the first 8 bytes of a configuration): what was stored must be there before them. */
static inline void write_down(const void * stored) { __asm__ volatile("" : : "r"(stored) : "memory"); }

/** This thread's tiles, all of 16 rows of 64 bytes, until the end of the scope. */
struct Tiles {
  Tiles() {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    static_assert(sizeof config == 64);
    write_down(&config);
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles &) = delete;
  Tiles & operator=(const Tiles &) = delete;
};

/**
 * Rows of activations in tiles of 16 rows of 32, each of them 1 KiB in one piece: rows 4 KiB apart would share one set of the cache.
 * Rows and columns that fill no tile are left to VDPBF16PS.
 */
struct TiledRows {
  TiledRows(const uint16_t * x, int64_t n_rows, int64_t n_cols) : n_rows(n_rows / 16 * 16), n_k(n_cols / 32) {
    static thread_local std::vector<uint16_t> memory;
    if (memory.size() < size_t(n_rows * n_cols + 32)) memory.resize(size_t(n_rows * n_cols + 32));
    auto * to = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64 / 2;
    tiles = to;
    for (int64_t t = 0; t < this->n_rows; t += 16) {
      for (int64_t k = 0; k < n_k; k++) {
        for (int64_t row = 0; row < 16; row++, to += 32) memcpy(to, x + (t + row) * n_cols + 32 * k, 64);
      }
    }
  }
  const uint16_t * at(int64_t row, int64_t k) const { return tiles + (row / 16 * n_k + k / 32) * 512; }
  const uint16_t * tiles;
  const int64_t n_rows, n_k;
};

/** y (+)= x panel for 16 or 32 tokens and 32 lanes; n_k is a multiple of 32. @param second the tiles of the other 16 tokens. */
template <bool both> static inline void tile_amx(const uint16_t * first, const uint16_t * second, int64_t n_k, const uint32_t * panel, float * y, int64_t ldy, bool accumulate) {
  const int64_t y_stride = ldy * 4;
  constexpr int64_t panel_stride = PANEL * 4;
  if (accumulate) {
    _tile_loadd(0, y, y_stride);
    _tile_loadd(1, y + 16, y_stride);
    if (both) _tile_loadd(2, y + 16 * ldy, y_stride);
    if (both) _tile_loadd(3, y + 16 * ldy + 16, y_stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t k = 0; k < n_k; k += 32) {
    const uint32_t * b = panel + k / 2 * PANEL;
    _tile_loadd(4, first + k * 16, 64);
    _tile_loadd(6, b, panel_stride);
    _tile_loadd(7, b + 16, panel_stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (!both) continue;
    _tile_loadd(5, second + k * 16, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, y, y_stride);
  _tile_stored(1, y + 16, y_stride);
  if (both) _tile_stored(2, y + 16 * ldy, y_stride);
  if (both) _tile_stored(3, y + 16 * ldy + 16, y_stride);
}

/** Products of all whole tiles of tokens from step `k0` of the contraction on. `lanes` and n_k are multiples of 32. */
static void multiply_tiles(const TiledRows & x, int64_t k0, int64_t n_k, const uint32_t * panel, float * y, int64_t ldy, int64_t lanes, bool accumulate) {
  write_down(panel);
  for (int64_t t = 0; t < x.n_rows; t += t + 32 <= x.n_rows ? 32 : 16) {
    const bool both = t + 32 <= x.n_rows;
    for (int64_t lane = 0; lane < lanes; lane += 32) {
      const auto run = both ? tile_amx<true> : tile_amx<false>;
      run(x.at(t, k0), both ? x.at(t + 16, k0) : nullptr, n_k, panel + lane, y + t * ldy + lane, ldy, accumulate);
    }
  }
}
#endif
