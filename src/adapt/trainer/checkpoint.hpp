#pragma once

#include "adapter.hpp"
#include "optimiser.hpp"

#include <string>

/** Where a training stands between two steps. The order of examples and dropout follow from the step, so they need no state. */
struct Progress {
  int64_t step = 0;
  double rate = 0; // of schedule `external`
};

/**
 * Writes weights, moments and progress, atomically.
 *
 * Layout: "ASLSCKP1", u64 length of a JSON header, the header, then parameters, first and second moments as little-endian F32, then
 * the SHA-256 of everything before it (64 hex characters).
 *
 * @param identity digest of everything that a continuation must share: model, data, options that change the result.
 * @returns SHA-256 of the file. Throws E_TRAINER_WRITE.
 */
std::string write_checkpoint(const std::string & path, const std::string & identity, const Progress & progress, const Adapter & adapter, const Optimiser & optimiser);

/** Restores what write_checkpoint wrote. Throws E_CHECKPOINT_INVALID, E_CHECKPOINT_MISMATCH. */
Progress read_checkpoint(const std::string & path, const std::string & identity, Adapter & adapter, Optimiser & optimiser);
