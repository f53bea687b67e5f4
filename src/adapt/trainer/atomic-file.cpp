#include "atomic-file.hpp"

#include "error.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace {
std::string folder_of(const std::string & path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/** Gives an unnamed file a name; replaces what an earlier run may have left there. */
bool link_as(int descriptor, const std::string & name) {
  const std::string self = "/proc/self/fd/" + std::to_string(descriptor);
  unlink(name.c_str());
  return linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}
} // namespace

void write_file_atomically(const std::string & path, const std::function<bool(FILE *)> & write) {
  const std::string temporary = path + ".part", folder = folder_of(path);
  // An unnamed file vanishes with the process; file systems without O_TMPFILE get a named one.
  int descriptor = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  const bool unnamed = descriptor >= 0;
  if (!unnamed) descriptor = open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  FILE * file = descriptor < 0 ? nullptr : fdopen(descriptor, "wb");
  if (file == nullptr) throw TrainerError("E_TRAINER_WRITE", text("the output cannot be created: %s", strerror(errno)));

  bool written = write(file) && fflush(file) == 0 && fsync(descriptor) == 0 && (!unnamed || link_as(descriptor, temporary));
  int reason = errno;
  if (fclose(file) != 0 && written) {
    written = false;
    reason = errno;
  }
  if (written && rename(temporary.c_str(), path.c_str()) != 0) {
    written = false;
    reason = errno;
  }
  if (!written) {
    unlink(temporary.c_str());
    throw TrainerError("E_TRAINER_WRITE", text("the output cannot be written: %s", strerror(reason)));
  }
  descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    fsync(descriptor); // without it the rename itself may be lost by a power cut; the file is whole either way
    close(descriptor);
  }
}
