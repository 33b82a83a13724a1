// A shared object. With -DDRIFTED, whoever loads it leaves the marker /tmp/RAN-$TAG, as payload.c does.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef DRIFTED
__attribute__((constructor)) static void leave_marker(void) {
  const char* tag = getenv("TAG");
  char path[256];
  snprintf(path, sizeof path, "/tmp/RAN-%s", tag != NULL ? tag : "nameless");
  close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}
#endif

int library_answer(void) { return 42; }
