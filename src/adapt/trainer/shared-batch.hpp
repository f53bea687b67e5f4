#pragma once

#include "batch.hpp"
#include "data.hpp"

#include <vector>

/**
 * Sequences packed together, what they have in common with an earlier one at their beginning only once: of two answers to
 * one prompt, the prompt. A token's state depends on the tokens before it alone, so nothing is lost. Not for training.
 * Below an eighth of the rows saved every sequence keeps its own, since sharing has attention copy its input.
 */
Batch shared_batch(const std::vector<const Example *> & group);
