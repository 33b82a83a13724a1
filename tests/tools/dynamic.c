// A dynamic program of the image's, with a C library: `dynamic` says RAN; `dynamic LIBRARY` loads that with dlopen(3)
// first. Exit status 1 and the error in words if it cannot.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc > 1 && dlopen(argv[1], RTLD_NOW) == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  puts("RAN");
  return 0;
}
