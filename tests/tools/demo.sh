#!/bin/bash
# ./dev demo: a real container refuses to execute a program that was dropped into it. Everything lives in one temporary
# directory and one private mount namespace, and is gone afterwards.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
stage=$root/build/stage

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { echo "the demo needs root: fanotify and containers do" >&2; exit 1; }
  exec unshare --mount --propagation private "$0" inside
fi
# crun refuses a host that has both cgroup versions; in this namespace only one is left.
if mountpoint -q /sys/fs/cgroup/unified; then
  umount /sys/fs/cgroup/unified
  umount /sys/fs/cgroup/memory 2>/dev/null || true
fi

work=$(mktemp -d /tmp/holdfast-demo.XXXXXX)
id=holdfast-demo-$$
service=
cleanup() {
  crun --root "$work/crun" delete -f "$id" >/dev/null 2>&1 || true
  [ -z "$service" ] || { kill "$service" 2>/dev/null && wait "$service" || true; }
  umount "$work/root" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
holdfast() { "$stage/usr/bin/holdfast" --socket "$work/run/control.sock" "$@"; }

say '1. An image of two layers, made on the spot, and the service in prevent mode'
mkdir -p "$work"/{layer1/bin,layer1/proc,layer1/dev,layer1/tmp,layer1/etc,layer2/usr/local/bin,upper,work,root,bundle,policy,crun}
cp /bin/busybox "$work/layer1/bin/busybox"
for name in sh cat cp chmod sleep ls echo; do ln -s busybox "$work/layer1/bin/$name"; done
printf '#!/bin/sh\necho "hello from the image"\n' >"$work/layer2/usr/local/bin/hello"
chmod 755 "$work/layer2/usr/local/bin/hello"
printf '[Drift]\nMode=prevent\n' >"$work/policy/demo.policy"

"$stage/usr/sbin/holdfastd" --state-dir "$work/state" --runtime-dir "$work/run" --policy-dir "$work/policy" \
  --alert "file:$work/alerts" 2>"$work/log" &
service=$!
for ((i = 0; ; i++)); do
  holdfast status >/dev/null 2>&1 && break || [ $? = 1 ] && break
  [ $i -lt 100 ] && kill -0 $service 2>/dev/null || { echo 'the service did not start:' >&2; cat "$work/log" >&2; exit 1; }
  sleep 0.1
done

say '2. A container is started with crun'
mount -t overlay overlay -o "lowerdir=$work/layer2:$work/layer1,upperdir=$work/upper,workdir=$work/work" "$work/root"
cat >"$work/bundle/config.json" <<JSON
{"ociVersion": "1.0.2", "root": {"path": "$work/root"}, "hostname": "demo",
 "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/sleep", "1000"], "cwd": "/",
   "env": ["PATH=/bin:/usr/local/bin"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]}}
JSON
crun --root "$work/crun" run -d -b "$work/bundle" "$id" </dev/null >"$work/crun.log" 2>&1 || { cat "$work/crun.log" >&2; exit 1; }
holdfast containers

inside() { crun --root "$work/crun" exec "$id" "$@"; }
say '3. What the image ships runs'
inside /usr/local/bin/hello

say '4. A program is dropped into it, and executed'
inside /bin/sh -c 'cat /bin/busybox >/tmp/miner; echo "not what the image shipped" >>/tmp/miner; chmod +x /tmp/miner; ls -l /tmp/miner'
status=0
inside /bin/sh -c '/tmp/miner echo "the miner runs"' || status=$?
for ((i = 0; i < 50; i++)); do grep -q miner "$work/alerts" 2>/dev/null && break; sleep 0.1; done

say '5. The alert'
grep miner "$work/alerts" || true

say '6. Why'
holdfast explain "$id" /tmp/miner || true

if [ $status != 0 ] && grep -q '"verdict":"deny"' "$work/alerts"; then
  say 'Denied before its first instruction (exit status '$status'), with one alert. Cleaning up.'
else
  say 'THE DEMO FAILED: the program was not denied.'
  cat "$work/log"
  exit 1
fi
