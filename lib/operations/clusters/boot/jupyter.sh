#!/bin/bash
# Makes an instance serve JupyterLab to its user, on its loopback only. Runs as root; running it again changes nothing that is right.
set -euo pipefail
umask 022
state_dir=/var/lib/ec2-wrappers
python_home=/opt/ec2-wrappers/python
jupyter_unit=ec2-wrappers-jupyter
# The image's own user: cloud-init makes it the first.
login_user=$(getent passwd 1000 | cut -d: -f1)
mkdir -p "$state_dir"
