#!/bin/bash
# A machine of the lab, in namespaces of its own: `node.sh DIRECTORY HOSTNAME`. What it writes goes to DIRECTORY/rw, its disk, which
# is there again when it is started again: then no user data is run, but the units that are enabled.
set -euo pipefail
dir=$1
hostname "$2"
lab=$(dirname "$(readlink -f "$0")")
read -r _ # until there is a network
mount -t sysfs sysfs /sys
for place in etc var opt home root usr/local; do
  mkdir -p "$dir/rw/$place/up" "$dir/rw/$place/work"
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=$dir/rw/$place/up,workdir=$dir/rw/$place/work" "/$place"
done
mount -t tmpfs tmpfs /run
# The host's disks are none of ours, and its console neither.
mount -t tmpfs tmpfs /sys/block
mkdir /run/dev
mount -t tmpfs -o mode=0755 tmpfs /run/dev
cp -a /dev/{null,zero,full,random,urandom,tty} /run/dev/
mkdir /run/dev/{pts,shm}
mount -t devpts -o newinstance,ptmxmode=0666 devpts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
touch /run/dev/console
mount --move /run/dev /dev
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
mkdir -p /run/sshd /run/units /usr/local/bin
install -m 0755 "$lab/systemctl" "$lab/wall" "$lab/shutdown" "$lab/journalctl" "$lab/sleep" /usr/local/bin/
if [[ -d $dir/image/spark ]]; then
  mkdir -p /opt/spark
  mount --bind "$dir/image/spark" /opt/spark
fi
if [[ -d $dir/image/hadoop ]]; then
  mkdir -p /opt/hadoop
  mount --bind "$dir/image/hadoop" /opt/hadoop
fi
if [[ -d $dir/image/wheels ]]; then
  mkdir -p /opt/wheels
  mount --bind "$dir/image/wheels" /opt/wheels
  printf '[global]\nno-index = true\nfind-links = /opt/wheels\n' >/etc/pip.conf
fi
# The image's own user, where the test wants one.
if [[ -e $dir/image/user ]]; then
  old=$(getent passwd 1000 | cut -d: -f1)
  if [[ -n $old ]]; then userdel -f "$old"; fi
  useradd -m -u 1000 -s /bin/bash -p '*' ec2-user
  install -d -m 0700 -o ec2-user /home/ec2-user/.ssh
  install -m 0600 -o ec2-user "$dir/authorized_keys" /home/ec2-user/.ssh/authorized_keys
fi
mount --bind "$(dirname "$dir")/hosts" /etc/hosts
mkdir -p /root/.ssh
cp "$dir/authorized_keys" /root/.ssh/authorized_keys
chown -R root:root /root/.ssh
chmod 0700 /root /root/.ssh
/usr/sbin/sshd -f "$dir/sshd_config" -E /var/log/sshd.log
python3 "$lab/imds.py" "$dir" >/var/log/imds.log 2>&1 &
until (exec 3<>/dev/tcp/169.254.169.254/80) 2>/dev/null; do sleep 0.05; done
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [[ -e $dir/booted ]]; then
  for unit in /etc/systemd/system/multi-user.target.wants/hadoop-ec2-*; do systemctl start "${unit##*/}"; done
else
  touch "$dir/booted"
  for part in "$dir"/part-*; do
    (cd / && exec "$part") >>/var/log/cloud-init-output.log 2>&1 || true
  done
fi
wait
