// allow_all ROOT: the cheapest responder there can be. One group of the class that Holdfast uses, one mark for
// executions on ROOT's superblock, and every event is allowed without a look at it. Says "ready" when the mark is
// there.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x80
#endif

static int close_pidfd(const struct fanotify_event_metadata* event) {
  const char* at = (const char*)event + event->metadata_len;
  const char* end = (const char*)event + event->event_len;
  while (at + sizeof(struct fanotify_event_info_header) <= end) {
    const struct fanotify_event_info_header* header = (const void*)at;
    if (header->info_type == FAN_EVENT_INFO_TYPE_PIDFD) {
      const int pidfd = ((const struct fanotify_event_info_pidfd*)(const void*)at)->pidfd;
      return pidfd >= 0 ? close(pidfd) : 0;
    }
    if (header->len == 0) break;
    at += header->len;
  }
  return 0;
}

static int answer(int group, const struct fanotify_event_metadata* event) {
  if (event->fd < 0) return 0;
  const struct fanotify_response response = {.fd = event->fd, .response = FAN_ALLOW};
  if (write(group, &response, sizeof response) != (ssize_t)sizeof response) return -1;
  close_pidfd(event);
  return close(event->fd);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const int group =
      fanotify_init(FAN_CLOEXEC | FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_PIDFD,
                    O_RDONLY | O_CLOEXEC);
  if (group < 0) return perror("fanotify_init"), 1;
  if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM, AT_FDCWD, argv[1]) != 0)
    return perror(argv[1]), 1;
  puts("ready");
  fflush(stdout);
  _Alignas(struct fanotify_event_metadata) char buffer[4096];
  for (;;) {
    ssize_t length = read(group, buffer, sizeof buffer);
    if (length <= 0) return perror("read"), 1;
    const struct fanotify_event_metadata* event = (const void*)buffer;
    for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length))
      if (answer(group, event) != 0) return perror("answer"), 1;
  }
}
