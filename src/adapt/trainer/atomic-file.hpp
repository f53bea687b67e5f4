#pragma once

#include <cstdio>
#include <functional>
#include <string>

/**
 * Writes a file so that a reader, or a power cut at any instant, sees the old one or the whole new one: temporary file in the
 * same folder (unnamed where the file system can, so that a kill leaves nothing), fsync, rename, fsync of the folder. A named one that a killed
 * process left is replaced by the next write to the same path.
 *
 * @param write fills the stream and returns false when it could not.
 * Throws E_TRAINER_WRITE.
 */
void write_file_atomically(const std::string & path, const std::function<bool(FILE *)> & write);
