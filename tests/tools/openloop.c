// openloop FILE COUNT: opens and closes FILE so many times, and prints the median in nanoseconds.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int by_size(const void* a, const void* b) {
  const long x = *(const long*)a, y = *(const long*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  const int count = argc == 3 ? atoi(argv[2]) : 0;
  long* took = count > 0 ? calloc((size_t)count, sizeof *took) : NULL;
  if (took == NULL) return 2;
  for (int i = 0; i < count; i++) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (file < 0) return perror(argv[1]), 1;
    close(file);
    took[i] = (end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec;
  }
  qsort(took, (size_t)count, sizeof *took, by_size);
  printf("%ld\n", took[count / 2]);
  return 0;
}
