// A /sys/class/gpio of one process, for the real onoff with its native epoll on machines without GPIO.
//
// Two chips as on a Raspberry Pi 5: pinctrl-rp1 (54 lines from 571) and a small one (8 lines from 563) that must not be
// taken. Beside sysfs' own files there is /drive: writing "17 1" puts line 17 of pinctrl-rp1 at that level from outside, as
// a button does; an output ignores it.
//
// As in sysfs, poll on a value file reports POLLPRI | POLLERR from an edge on until the file is read.
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 563, SMALL_LINES = 8, BASE = 571, LINES = 54, COUNT = SMALL_LINES + LINES };
enum file { NONE, VALUE, DIRECTION, EDGE, ACTIVE_LOW };

struct line {
  bool exported, output, level, active_low;
  char edge[8];
  unsigned long events;
};

struct open_value {
  int number;
  unsigned long seen;
  struct fuse_pollhandle *waiting;
  struct open_value *next;
};

static struct line lines[COUNT];
static struct open_value *opened;

static struct line *line_of(int number) {
  if (number < FIRST || number >= FIRST + COUNT) return NULL;
  return &lines[number - FIRST];
}

static void set_level(int number, bool level) {
  struct line *line = line_of(number);
  if (line == NULL || line->level == level) return;
  line->level = level;
  bool logical = level != line->active_low;
  bool wanted = !strcmp(line->edge, "both") || !strcmp(line->edge, logical ? "rising" : "falling");
  if (line->output || !wanted) return;
  line->events++;
  for (struct open_value *file = opened; file != NULL; file = file->next) {
    if (file->number != number || file->waiting == NULL) continue;
    fuse_notify_poll(file->waiting);
    fuse_pollhandle_destroy(file->waiting);
    file->waiting = NULL;
  }
}

// Line and file of "/gpio588/value"; number alone for the folder.
static enum file parse(const char *path, int *number) {
  char name[16] = "";
  *number = -1;
  int fields = sscanf(path, "/gpio%d/%15s", number, name);
  struct line *line = fields >= 1 ? line_of(*number) : NULL;
  if (line == NULL || !line->exported) {
    *number = -1;
    return NONE;
  }
  if (!strcmp(name, "value")) return VALUE;
  if (!strcmp(name, "direction")) return DIRECTION;
  if (!strcmp(name, "edge")) return EDGE;
  if (!strcmp(name, "active_low")) return ACTIVE_LOW;
  if (name[0] != 0) *number = -1;
  return NONE;
}

// Text of a chip's file, or NULL.
static const char *chip_text(const char *path) {
  static const char *const texts[][2] = {
      {"/gpiochip563/label", "rp1-small\n"}, {"/gpiochip563/base", "563\n"}, {"/gpiochip563/ngpio", "8\n"},
      {"/gpiochip571/label", "pinctrl-rp1\n"}, {"/gpiochip571/base", "571\n"}, {"/gpiochip571/ngpio", "54\n"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!strcmp(path, texts[i][0])) return texts[i][1];
  return NULL;
}

static bool is_control(const char *path) {
  return !strcmp(path, "/export") || !strcmp(path, "/unexport") || !strcmp(path, "/drive");
}

static int gpio_getattr(const char *path, struct stat *st, struct fuse_file_info *fi) {
  (void)fi;
  int number;
  enum file file = parse(path, &number);
  memset(st, 0, sizeof *st);
  st->st_nlink = 1;
  bool folder = !strcmp(path, "/") || !strcmp(path, "/gpiochip563") || !strcmp(path, "/gpiochip571");
  if (folder || (number >= 0 && file == NONE)) st->st_mode = S_IFDIR | 0755;
  else if (file != NONE) st->st_mode = S_IFREG | 0644;
  else if (chip_text(path) != NULL) st->st_mode = S_IFREG | 0444;
  else if (is_control(path)) st->st_mode = S_IFREG | 0200;
  else return -ENOENT;
  st->st_size = S_ISREG(st->st_mode) ? 4096 : 0;
  return 0;
}

static int gpio_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *fi,
                        enum fuse_readdir_flags flags) {
  (void)offset, (void)fi, (void)flags;
  if (strcmp(path, "/") != 0) return 0;
  const char *const names[] = {"export", "unexport", "drive", "gpiochip563", "gpiochip571"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) fill(buffer, names[i], NULL, 0, 0);
  for (int i = 0; i < COUNT; i++) {
    char name[16];
    snprintf(name, sizeof name, "gpio%d", FIRST + i);
    if (lines[i].exported) fill(buffer, name, NULL, 0, 0);
  }
  return 0;
}

static int gpio_open(const char *path, struct fuse_file_info *fi) {
  int number;
  fi->direct_io = 1;
  if (parse(path, &number) != VALUE) return 0;
  struct open_value *file = calloc(1, sizeof *file);
  if (file == NULL) return -ENOMEM;
  *file = (struct open_value){.number = number, .next = opened};
  opened = file;
  fi->fh = (uint64_t)(uintptr_t)file;
  return 0;
}

static int gpio_release(const char *path, struct fuse_file_info *fi) {
  (void)path;
  struct open_value *file = (struct open_value *)(uintptr_t)fi->fh;
  for (struct open_value **at = &opened; *at != NULL; at = &(*at)->next) {
    if (*at != file) continue;
    *at = file->next;
    if (file->waiting != NULL) fuse_pollhandle_destroy(file->waiting);
    free(file);
    break;
  }
  return 0;
}

static int gpio_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi) {
  int number;
  char text[32];
  enum file file = parse(path, &number);
  const struct line *line = line_of(number);
  const char *chip = chip_text(path);
  if (chip != NULL) snprintf(text, sizeof text, "%s", chip);
  else if (file == VALUE) snprintf(text, sizeof text, "%d\n", line->level != line->active_low);
  else if (file == DIRECTION) snprintf(text, sizeof text, "%s\n", line->output ? "out" : "in");
  else if (file == EDGE) snprintf(text, sizeof text, "%s\n", line->edge);
  else if (file == ACTIVE_LOW) snprintf(text, sizeof text, "%d\n", line->active_low);
  else return -EACCES;
  if (file == VALUE && fi->fh != 0) ((struct open_value *)(uintptr_t)fi->fh)->seen = line->events;
  size_t length = strlen(text);
  if ((size_t)offset >= length) return 0;
  if (size > length - (size_t)offset) size = length - (size_t)offset;
  memcpy(buffer, text + offset, size);
  return (int)size;
}

static int export_line(const char *text, bool exported) {
  struct line *line = line_of(atoi(text));
  if (line == NULL) return -EINVAL;
  if (line->exported == exported) return exported ? -EBUSY : -EINVAL;
  line->exported = exported;
  line->output = line->active_low = false;
  strcpy(line->edge, "none");
  return 0;
}

static int gpio_write(const char *path, const char *buffer, size_t size, off_t offset, struct fuse_file_info *fi) {
  (void)offset, (void)fi;
  char text[32] = "";
  if (size >= sizeof text) return -EINVAL;
  memcpy(text, buffer, size);
  text[strcspn(text, "\n")] = 0;
  int number, level, result = 0;
  enum file file = parse(path, &number);
  struct line *line = line_of(number);
  if (!strcmp(path, "/export")) result = export_line(text, true);
  else if (!strcmp(path, "/unexport")) result = export_line(text, false);
  else if (!strcmp(path, "/drive")) {
    if (sscanf(text, "%d %d", &number, &level) != 2 || line_of(BASE + number) == NULL) return -EINVAL;
    if (!line_of(BASE + number)->output) set_level(BASE + number, level != 0);
  } else if (file == VALUE) {
    if (!line->output) return -EPERM;
    line->level = (text[0] == '1') != line->active_low;
  } else if (file == DIRECTION) {
    if (!strcmp(text, "high") || !strcmp(text, "low")) line->level = !strcmp(text, "high");
    line->output = strcmp(text, "in") != 0;
  } else if (file == EDGE) {
    if (line->output && strcmp(text, "none") != 0) return -EIO;
    snprintf(line->edge, sizeof line->edge, "%.7s", text);
  } else if (file == ACTIVE_LOW) line->active_low = text[0] == '1';
  else return -EACCES;
  return result < 0 ? result : (int)size;
}

static int gpio_truncate(const char *path, off_t size, struct fuse_file_info *fi) {
  (void)path, (void)size, (void)fi;
  return 0;
}

static int gpio_poll(const char *path, struct fuse_file_info *fi, struct fuse_pollhandle *handle, unsigned *events) {
  int number;
  if (parse(path, &number) != VALUE || fi->fh == 0) {
    *events = POLLIN | POLLOUT;
    return 0;
  }
  struct open_value *file = (struct open_value *)(uintptr_t)fi->fh;
  if (handle != NULL) {
    if (file->waiting != NULL) fuse_pollhandle_destroy(file->waiting);
    file->waiting = handle;
  }
  *events = POLLIN | POLLOUT;
  if (file->seen != line_of(number)->events) *events |= POLLPRI | POLLERR;
  return 0;
}

static void *gpio_init(struct fuse_conn_info *connection, struct fuse_config *config) {
  (void)connection;
  config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
  config->direct_io = 1;
  return NULL;
}

static const struct fuse_operations operations = {
    .init = gpio_init,         .getattr = gpio_getattr, .readdir = gpio_readdir,   .open = gpio_open,
    .release = gpio_release,   .read = gpio_read,       .write = gpio_write,       .truncate = gpio_truncate,
    .poll = gpio_poll,
};

int main(int argc, char *argv[]) {
  return fuse_main(argc, argv, &operations, NULL);
}
