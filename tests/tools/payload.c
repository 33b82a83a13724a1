// What an attacker wants to run: leaves the marker /tmp/RAN-<base name of its last argument or itself> and says RAN.
#include "tiny.h"

static const char salt[] __attribute__((used)) = "payload " SALT;  // payloads differ from each other

static int tiny_main(int argc, char** argv) {
  tiny_mark(argc > 0 ? tiny_base_name(argv[argc - 1]) : "nameless");
  tiny_say("RAN\n");
  return 0;
}
