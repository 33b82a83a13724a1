// A program that is harmless until one byte of its file is changed: then it leaves /tmp/RAN-<name> and exits with 66.
// The byte lies on the last loaded page of the file, so that cutting the file there and growing it again (zeros)
// changes it too, and the code before it stays whole.
#include "tiny.h"

struct Flip {
  char magic[16];
  volatile char colour;  // 'g' is harmless
  char rest[4096 - 17];
};
__attribute__((section(".flip"), aligned(4096), used)) static struct Flip flip = {"HOLDFAST-FLIP->", 'g', "x"};

static int tiny_main(int argc, char** argv) {
  if (flip.colour == 'g') return 0;
  tiny_mark(argc > 0 ? tiny_base_name(argv[0]) : "nameless", "");
  return 66;
}
