
# The lease's end is a tag that ec2-wrappers keeps. Asked every minute, so that an extension reaches us; the last quarter of an hour
# is announced to whoever is logged in. ec2-run adds a switch of its own to the user data; where that is at work, this rests.
install_lease_timer() {
  write_file /opt/hadoop-ec2/lease.sh 0755 <<'END'
#!/bin/bash
set -euo pipefail
if [[ -e /run/ec2-lease ]]; then exit 0; fi
imds=http://169.254.169.254/latest
token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/api/token")
lease_end=$(curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" \
  "$imds/meta-data/tags/instance/ec2-wrappers:lease-end") || exit 0
left=$((($(date -u -d "$lease_end" +%s) - $(date -u +%s)) / 60))
warned=/run/hadoop-ec2-warned
if ((left < 0)); then
  wall "The lease of this cluster ended at $lease_end: shutting down."
  shutdown -h now
elif ((left <= 15)) && [[ $(cat "$warned" 2>/dev/null) != "$lease_end" ]]; then
  wall "The lease of this cluster ends in $left minutes, at $lease_end. hadoop-ec2 extend moves it."
  echo "$lease_end" >"$warned"
fi
END
  write_file /etc/systemd/system/hadoop-ec2-lease.service 0644 <<END
[Unit]
Description=lease of this cluster

[Service]
Type=oneshot
ExecStart=/opt/hadoop-ec2/lease.sh
END
  write_file /etc/systemd/system/hadoop-ec2-lease.timer 0644 <<END
[Unit]
Description=lease of this cluster

[Timer]
OnBootSec=1min
OnUnitActiveSec=1min

[Install]
WantedBy=timers.target
END
  systemctl daemon-reload
  systemctl enable --now hadoop-ec2-lease.timer
}
