#include "holdfast/kernel/mountinfo.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>

#include <doctest/doctest.h>

#include "holdfast/kernel/proc.h"

using namespace holdfast;

TEST_SUITE("mountinfo") {
  TEST_CASE("a podman root's line is understood") {
    const auto mount = kernel::parse_mount(
        "541 442 0:52 / / rw,relatime master:31 - overlay overlay "
        "rw,lowerdir=/var/lib/containers/storage/overlay/l/AB,upperdir=/u/diff,workdir=/u/work");
    REQUIRE(mount.ok());
    CHECK(mount->id == 541);
    CHECK(mount->parent == 442);
    CHECK(mount->device == makedev(0, 52));
    CHECK(mount->root == "/");
    CHECK(mount->mount_point == "/");
    CHECK_FALSE(mount->shared);
    CHECK(mount->receives);
    CHECK(mount->type == "overlay");
    CHECK(mount->source == "overlay");
    CHECK(mount->super_options.starts_with("rw,lowerdir="));
  }

  TEST_CASE("octal escapes in paths and sources are undone, those in options are kept for the file system's parser") {
    const auto mount =
        kernel::parse_mount(R"(1 0 8:1 /a\040b /c\134d\011e rw shared:7 master:3 - ext4 /dev/x\040y rw,o=\054)");
    REQUIRE(mount.ok());
    CHECK(mount->root == "/a b");
    CHECK(mount->mount_point == "/c\\d\te");
    CHECK(mount->source == "/dev/x y");
    CHECK(mount->shared);
    CHECK(mount->receives);
    CHECK(mount->super_options == R"(rw,o=\054)");
  }

  TEST_CASE("an empty source, which any user namespace can mount, does not hide the line") {
    const auto mount = kernel::parse_mount("9 1 0:77 / /mnt rw -  tmpfs rw");
    CHECK_FALSE(mount.ok());
    const auto right = kernel::parse_mount("9 1 0:77 / /mnt rw - tmpfs  rw,size=4k");
    REQUIRE(right.ok());
    CHECK(right->source.empty());
    CHECK(right->super_options == "rw,size=4k");
  }

  TEST_CASE("a line with a NUL byte, escaped or not, is refused: no name of the kernel's has one") {
    for (const char* line : {R"(1 0 8:1 /a\000b / rw - ext4 d rw)", R"(1 0 8:1 / /a\000b rw - ext4 d rw)",
                             R"(1 0 8:1 / / rw - ext4\000 d rw)", R"(1 0 8:1 / / rw - ext4 d\000 rw)"}) {
      CAPTURE(line);
      CHECK_FALSE(kernel::parse_mount(line).ok());
    }
    CHECK_FALSE(kernel::parse_mount(std::string_view("1 0 8:1 / / rw\0 - ext4 d rw", 26)).ok());
    CHECK_FALSE(kernel::parse_overlay_options(R"(rw,lowerdir=/a\000b,upperdir=/u)").ok());
    CHECK(kernel::parse_mount(R"(1 0 8:1 /a\001b / rw - ext4 d rw)")->root == "/a\001b");
  }

  TEST_CASE("malformed lines are refused") {
    for (const char* line : {"", "1", "1 2 3", "x 0 8:1 / / rw - ext4 d rw", "1 0 8-1 / / rw - ext4 d rw",
                             "1 0 8: / / rw - ext4 d rw", "1 0 8:1 / / rw ext4 d rw", "1 0 8:1 / / rw - ext4 d",
                             "99999999999 0 8:1 / / rw - ext4 d rw", "1 0 8:1 / /", "1 0 8:1 / / rw -"}) {
      CAPTURE(line);
      CHECK_FALSE(kernel::parse_mount(line).ok());
    }
  }

  TEST_CASE("one malformed line spoils the table") {
    const std::string good = "1 0 8:1 / / rw - ext4 d rw\n";
    REQUIRE(kernel::parse_mountinfo(good + good).ok());
    CHECK(kernel::parse_mountinfo(good + good)->size() == 2);
    CHECK_FALSE(kernel::parse_mountinfo(good + "2 0 8:1 / /\n" + good).ok());
    CHECK_FALSE(kernel::parse_mountinfo(good + "\n").ok());
    CHECK(kernel::parse_mountinfo("")->empty());
  }

  TEST_CASE("our own table is read whole, and its devices are those of stat") {
    const auto self = kernel::open_proc(::getpid());
    REQUIRE(self.ok());
    const auto mounts = kernel::read_mountinfo(self->get());
    REQUIRE(mounts.ok());
    struct stat st {};
    REQUIRE(::stat("/proc", &st) == 0);
    bool found = false;
    for (const auto& mount : *mounts) found = found || (mount.mount_point == "/proc" && mount.device == st.st_dev);
    CHECK(found);
  }
}

TEST_SUITE("overlay options") {
  TEST_CASE("lower directories come top first, with upper and flags") {
    const auto o = kernel::parse_overlay_options(
        "rw,lowerdir=/l2:/l1,upperdir=/u,workdir=/w,redirect_dir=on,metacopy=on,userxattr");
    REQUIRE(o.ok());
    CHECK(o->lower == std::vector<std::string>{"/l2", "/l1"});
    CHECK(o->data.empty());
    CHECK(o->upper == "/u");
    CHECK(o->metacopy);
    CHECK(o->user_xattr);
    CHECK(o->redirect_dir == "on");
  }

  TEST_CASE("a read-only overlay has no upper") {
    const auto o = kernel::parse_overlay_options("ro,lowerdir=/a:/b,metacopy=off");
    REQUIRE(o.ok());
    CHECK(o->upper.empty());
    CHECK_FALSE(o->metacopy);
  }

  TEST_CASE("relative lists stay relative") {
    const auto o = kernel::parse_overlay_options("rw,lowerdir=l/X:l/Y,upperdir=HEX/diff,workdir=HEX/work");
    REQUIRE(o.ok());
    CHECK(o->lower == std::vector<std::string>{"l/X", "l/Y"});
    CHECK(o->upper == "HEX/diff");
  }

  TEST_CASE("more than seventy layers are all kept in order") {
    std::string text = "rw,lowerdir=";
    for (int i = 0; i < 127; ++i) text += (i == 0 ? "" : ":") + std::string("/l/") + std::to_string(i);
    const auto o = kernel::parse_overlay_options(text + ",upperdir=/u");
    REQUIRE(o.ok());
    REQUIRE(o->lower.size() == 127);
    CHECK(o->lower[126] == "/l/126");
  }

  TEST_CASE("lowerdir+ and datadir+ are taken literally, one path each") {
    const auto o = kernel::parse_overlay_options(R"(rw,lowerdir+=/a:b,lowerdir+=/c\134:d,datadir+=/e,upperdir=/u)");
    REQUIRE(o.ok());
    CHECK(o->lower == std::vector<std::string>{"/a:b", R"(/c\:d)"});
    CHECK(o->data == std::vector<std::string>{"/e"});
  }

  TEST_CASE("data-only layers follow a double colon") {
    const auto o = kernel::parse_overlay_options("ro,lowerdir=/a:/b::/d1::/d2");
    REQUIRE(o.ok());
    CHECK(o->lower == std::vector<std::string>{"/a", "/b"});
    CHECK(o->data == std::vector<std::string>{"/d1", "/d2"});
    CHECK_FALSE(kernel::parse_overlay_options("ro,lowerdir=/a::/d1:/b").ok());
  }

  TEST_CASE("quoted colons, commas and backslashes belong to the path, as the kernel shows them and raw") {
    // What 6.18 shows for lowerdir=/a\:b:/c\,d,upperdir=/u\\x
    const auto shown = kernel::parse_overlay_options(R"(rw,lowerdir=/a\134:b:/c\134\054d,upperdir=/u\134\134x)");
    REQUIRE(shown.ok());
    CHECK(shown->lower == std::vector<std::string>{"/a:b", "/c,d"});
    CHECK(shown->upper == R"(/u\x)");
    const auto raw = kernel::parse_overlay_options(R"(rw,lowerdir=/a\:b:/c\,d,upperdir=/u\040x)");
    REQUIRE(raw.ok());
    CHECK(raw->lower == std::vector<std::string>{"/a:b", "/c,d"});
    CHECK(raw->upper == "/u x");
  }

  TEST_CASE("no lower, empty layers and absurd counts are refused") {
    for (const char* text : {"", "rw", "rw,lowerdir=", "rw,lowerdir=/a:", "rw,lowerdir=:/a", "rw,lowerdir=/a:::/b",
                             "rw,lowerdir=/a::", "rw,lowerdir+=", "rw,upperdir=/u"}) {
      CAPTURE(text);
      CHECK_FALSE(kernel::parse_overlay_options(text).ok());
    }
    std::string many = "lowerdir=/a";
    for (int i = 0; i < 5000; ++i) many += ":/a";
    CHECK_FALSE(kernel::parse_overlay_options(many).ok());
  }

  TEST_CASE("a trailing backslash ends nothing early") {
    const auto o = kernel::parse_overlay_options("lowerdir=/a\\");
    REQUIRE(o.ok());
    CHECK(o->lower == std::vector<std::string>{"/a\\"});
  }
}
