// An image's own program: says which image it belongs to. -DTEXT="tool v1"
#include "tiny.h"

static int tiny_main(int argc, char** argv) {
  (void)argc, (void)argv;
  tiny_say(TEXT "\n");
  return 0;
}
