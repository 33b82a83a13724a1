// What an attacker wants to run: leaves the marker /tmp/RAN-<base name of its last argument or itself> and says RAN.
// With -DLINGERS it goes on for half a second and then leaves RAN-<name>-TO-THE-END: what is killed after the fact
// never comes that far.
#include "tiny.h"

static const char salt[] __attribute__((used)) = "payload " SALT;  // payloads differ from each other

static int tiny_main(int argc, char** argv) {
  const char* tag = argc > 0 ? tiny_base_name(argv[argc - 1]) : "nameless";
  tiny_mark(tag, "");
  tiny_say("RAN\n");
#ifdef LINGERS
  tiny_sleep(500);
  tiny_mark(tag, "-TO-THE-END");
#endif
  return 0;
}
