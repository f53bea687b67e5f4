#pragma once

#include <gguf.h>
#include <string>

/** Bytes that a file must have to hold what its GGUF header promises. */
size_t promised_bytes(const gguf_context * gguf);

/** Bytes of a file; 0 when it cannot be looked at. */
size_t file_bytes(const std::string & path);
