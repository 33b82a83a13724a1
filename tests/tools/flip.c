// flip FILE: changes the chameleon's byte in place, by pwrite, and puts size and modification time back.
// flip --map FILE: the same through a shared mapping. Exit status 0 if the file is evil afterwards.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "chameleon.h"

int main(int argc, char** argv) {
  const int by_map = argc == 3 && strcmp(argv[1], "--map") == 0;
  if (argc != 2 + by_map) return 2;
  const char* path = argv[1 + by_map];
  struct stat before;
  const int fd = open(path, O_RDWR);
  if (fd < 0 || fstat(fd, &before) != 0) return perror(path), 1;
  const off_t where = colour_offset(fd);
  if (where < 0) return 1;
  if (by_map) {
    char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, where & ~(off_t)4095);
    if (page == MAP_FAILED) return perror("mmap"), 1;
    page[where & 4095] = 'e';
    munmap(page, 4096);
  } else if (pwrite(fd, "e", 1, where) != 1) {
    return perror("pwrite"), 1;
  }
  const struct timespec times[2] = {before.st_atim, before.st_mtim};
  return futimens(fd, times) == 0 ? 0 : 1;
}
