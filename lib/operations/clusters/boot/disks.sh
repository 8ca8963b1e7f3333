
# Whether a device may be formatted: nothing on it that blkid knows, no partitions, not in use, and its first MiB all zero, which
# new volumes and instance stores are. Any doubt means no.
is_blank() {
  local device=$1 code=0
  blkid -p "$device" >/dev/null 2>&1 || code=$?
  if ((code != 2)); then return 1; fi
  if [[ -b $device && $(lsblk -nro NAME,MOUNTPOINT "$device" | awk 'NR > 1 || NF > 1' | wc -l) -ne 0 ]]; then return 1; fi
  cmp -s -n 1048576 "$device" /dev/zero
}

# Mounts a device, formatting it first only where it is blank.
mount_device() {
  local device=$1 mount_point=$2
  if mountpoint -q "$mount_point"; then return; fi
  if is_blank "$device"; then mkfs -t ext4 -q -m 1 "$device"; fi
  mkdir -p "$mount_point"
  mount -o noatime "$device" "$mount_point"
}

# Volumes of the cluster's storage for our roles, attached by the client while we start: `ROLE,MOUNT POINT,DEVICE,VOLUME...;...`. Of
# the volumes one is for us.
mount_storage() {
  local mapping role mount_point device volumes found mappings=() ids=()
  IFS=';' read -ra mappings <<<"${EBS_MAPPINGS:-}"
  for mapping in "${mappings[@]}"; do
    IFS=, read -r role mount_point device volumes <<<"$mapping"
    if ! has_role "$role"; then continue; fi
    read -ra ids <<<"${volumes:-}"
    found=$(wait_for_device "$device" "${ids[@]}")
    mount_device "$found" "$mount_point"
    data_dirs+=("$mount_point/hadoop")
  done
}

# `wait_for_device DEVICE VOLUME...`: what is asked for as /dev/sdj comes as /dev/xvdj, or as an NVMe disk with a volume's id as its
# serial number.
wait_for_device() {
  local name=${1#/dev/} waited candidate candidates
  candidates=("/dev/$name" "/dev/xvd${name#sd}")
  for candidate in "${@:2}"; do candidates+=("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${candidate/-/}"); done
  for ((waited = 0; waited < 300; waited += 2)); do
    for candidate in "${candidates[@]}"; do
      if [[ -b $candidate ]]; then
        readlink -f "$candidate"
        return
      fi
    done
    sleep 2
  done
  die "storage $* did not come"
}

# Instance stores, and empty volumes of the launch.
mount_blank_disks() {
  local device type number=0
  while read -r device type; do
    if [[ $type != disk || $device == /dev/fd* || $device == /dev/zram* ]]; then continue; fi
    if findmnt -rno TARGET "$device" | grep -qE '^/mnt/disk[0-9]+$'; then
      data_dirs+=("$(findmnt -rno TARGET "$device")/hadoop")
      number=$((number + 1))
    elif is_blank "$device"; then
      mount_device "$device" "/mnt/disk$number"
      data_dirs+=("/mnt/disk$number/hadoop")
      number=$((number + 1))
    fi
  done < <(lsblk -dnrpo NAME,TYPE 2>/dev/null || true)
}
