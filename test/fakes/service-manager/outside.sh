# outside.sh DIRECTORY EXECUTABLE: starts a systemd that sees a copy of this machine and can change nothing of the machine itself.
# Runs in mounts of its own (unshare --mount), until its standard input ends; then all that it started is ended and removed.
set -eu
DIRECTORY=$1 EXECUTABLE=$2
HERE=$(dirname "$0")
mount --make-rprivate /
# What is written stays in this memory. Other file systems than that of / aren't seen at all.
mount -t tmpfs tmpfs "$DIRECTORY"
mkdir "$DIRECTORY/upper" "$DIRECTORY/work" "$DIRECTORY/root" "$DIRECTORY/groups"
mount -t overlay overlay -o "lowerdir=/,upperdir=$DIRECTORY/upper,workdir=$DIRECTORY/work" "$DIRECTORY/root"
# A control group of its own, which it takes for the root of all.
mount -t cgroup2 none "$DIRECTORY/groups"
GROUP=$DIRECTORY/groups/hybrid-runner-test-$$
mkdir "$GROUP"
bash -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' - "$GROUP" \
  unshare --mount --cgroup --ipc --uts --net --pid --fork --kill-child bash "$HERE/inside.sh" "$DIRECTORY/root" "$EXECUTABLE" < /dev/null &
read -r _ || true
kill -KILL $! || true
{ wait $! || true; } 2> /dev/null
for _ in $(seq 100); do
  find "$GROUP" -depth -type d -exec rmdir {} + 2> /dev/null && break
  sleep 0.1
done
