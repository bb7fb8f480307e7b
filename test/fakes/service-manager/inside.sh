# inside.sh ROOT EXECUTABLE: called by outside.sh in namespaces of its own; becomes systemd and prints its process id, as the machine sees it.
set -eu
ROOT=$1 EXECUTABLE=$2
read -r PID _ < /proc/self/stat
ip link set lo up
touch "$ROOT/usr/local/bin/hybrid-runner"
mount --bind "$EXECUTABLE" "$ROOT/usr/local/bin/hybrid-runner"

# Settings of the kernel can be read only: they are the machine's.
mount -t proc proc "$ROOT/proc"
mount --bind "$ROOT/proc/sys" "$ROOT/proc/sys"
mount -o remount,bind,ro "$ROOT/proc/sys"
[ ! -e "$ROOT/proc/sysrq-trigger" ] || mount --bind /dev/null "$ROOT/proc/sysrq-trigger"
mount -t sysfs -o ro sysfs "$ROOT/sys"
mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
for place in dev run var/log; do mount -t tmpfs -o mode=755 tmpfs "$ROOT/$place"; done
mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
for place in tmp var/tmp dev/shm; do mount -t tmpfs -o mode=1777 tmpfs "$ROOT/$place"; done
for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
  mknod -m 666 "$ROOT/dev/${device%% *}" c ${device#* }
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$ROOT/dev/pts"
ln -s pts/ptmx "$ROOT/dev/ptmx"

# Of the machine's units only these, so that nothing is started which a machine needs and a test doesn't.
UNITS=$ROOT/run/units-of-the-machine
cp -a "$ROOT/usr/lib/systemd/system" "$UNITS"
for place in usr/lib/systemd/system-generators usr/lib/systemd/system etc/systemd/system; do
  mount -t tmpfs -o mode=755 tmpfs "$ROOT/$place"
done
for unit in basic.target sysinit.target shutdown.target sockets.target network.target network-online.target multi-user.target \
  dbus.service dbus.socket systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket; do
  cp -P "$UNITS/$unit" "$ROOT/usr/lib/systemd/system/"
done
mkdir "$ROOT/etc/systemd/system/multi-user.target.wants"
for unit in dbus.socket systemd-journald.service; do
  ln -s "/usr/lib/systemd/system/$unit" "$ROOT/etc/systemd/system/multi-user.target.wants/"
done

cd "$ROOT"
mkdir run/machine
pivot_root . run/machine
umount -l /run/machine
cd /
echo "$PID"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=hybrid-runner-test \
  setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-mknod,-syslog,-sys_boot \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no
