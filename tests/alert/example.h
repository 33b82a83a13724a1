#pragma once

#include "holdfast/alert/alert.h"

/// An alert with every field known.
inline holdfast::alert::Alert example_alert() {
  using namespace holdfast::alert;
  using holdfast::Wall;
  Alert alert;
  alert.time = Wall::time_point(std::chrono::microseconds(1795378453000123));
  alert.verdict = "deny";
  alert.reason = "added";
  alert.mode = "prevent";
  alert.policy = "50-web.policy";
  alert.container = ContainerInfo{"0123456789abcdef", "web-1", "nginx:1.27", "sha256:aa", "runc", "prod", "web"};
  FileInfo file;
  file.path = "/tmp/x";
  file.sha256 = "e3b0";
  file.size = 12;
  file.mode = 0100755;
  file.uid = 0;
  file.gid = 33;
  file.mtime = 1795378453000123456;
  file.ctime = 0;
  file.layer = "upper";
  alert.file = file;
  alert.image_file = ImageFileInfo{"aabb", 7, 0104755};
  ProcessInfo process;
  process.pid = 4121;
  process.ppid = 4000;
  process.exe = "/bin/sh";
  process.cmdline = {"sh", "-c", "echo \"hi there\"", ""};
  process.uid = 1000;
  process.gid = 1001;
  process.cwd = "/tmp";
  process.tty = "pts/0";
  process.started = Wall::time_point(std::chrono::seconds(1795378450));
  alert.process = process;
  ProcessInfo parent;
  parent.pid = 1;
  parent.exe = "/init";
  parent.cmdline = {"/init"};
  alert.ancestors = {parent};
  return alert;
}
