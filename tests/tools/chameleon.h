// Finds the byte that makes a chameleon evil.
#ifndef CHAMELEON_H
#define CHAMELEON_H
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/// Offset of the byte in the file, or -1.
static off_t colour_offset(int fd) {
  static const char magic[16] = "HOLDFAST-FLIP->";
  char page[4096];
  for (off_t at = 0; pread(fd, page, sizeof page, at) > 16; at += 4096)
    if (memcmp(page, magic, sizeof magic) == 0) return at + 16;
  return -1;
}
#endif
