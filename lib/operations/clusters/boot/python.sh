
# An environment of Python for the login user, with what --pip names and JupyterLab. Needs python_home, login_user, state_dir and
# jupyter_unit; jupyter_env_file is optional.

as_login_user() {
  runuser -u "$login_user" -- env -i PATH=/usr/local/bin:/usr/bin:/bin "HOME=$(home_of_login_user)" "$@"
}

home_of_login_user() { getent passwd "$login_user" | cut -d: -f6; }

# `install_python REQUIREMENT...`: as the login user, since a package's own code runs while it is installed. Once for each list: a
# later start needs no network.
install_python() {
  local list=$python_home/requirements.txt
  if [[ -x $python_home/bin/pip && $(cat "$list" 2>/dev/null) == "$(printf '%s\n' "$@")" ]]; then return; fi
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    if command -v apt-get >/dev/null; then install_packages python3 python3-venv; else install_packages python3 python3-pip; fi
  fi
  install -d -m 0755 -o "$login_user" -g "$(id -gn "$login_user")" "$python_home"
  as_login_user python3 -m venv "$python_home"
  printf '%s\n' "$@" | as_login_user tee "$python_home/wanted.txt" >/dev/null
  as_login_user "$python_home/bin/pip" install --quiet --no-input --disable-pip-version-check -r "$python_home/wanted.txt"
  as_login_user mv "$python_home/wanted.txt" "$list"
}

# JupyterLab for the login user, on this machine's loopback only: it is reached through ssh. Its token is made here, and read through
# ssh; it stands in no argument, no environment and no user data.
write_jupyter_unit() {
  local token_file=$state_dir/jupyter_token home
  home=$(home_of_login_user)
  if [[ ! -s $token_file ]]; then
    install -m 0600 -o "$login_user" /dev/null "$token_file"
    head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$token_file"
  fi
  write_file "/etc/systemd/system/$jupyter_unit.service" 0644 <<END
[Unit]
Description=JupyterLab
After=network-online.target

[Service]
User=$login_user
WorkingDirectory=$home
${jupyter_env_file:+EnvironmentFile=$jupyter_env_file}
Environment=HOME=$home
Environment=PATH=$python_home/bin:/usr/local/bin:/usr/bin:/bin
Environment=JUPYTER_TOKEN_FILE=$token_file
Environment=SHELL=/bin/bash
ExecStart=$python_home/bin/jupyter-lab --no-browser --ip=127.0.0.1 --port=8888 --ServerApp.port_retries=0 --ServerApp.allow_remote_access=True --ServerApp.root_dir=$home
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
END
  systemctl daemon-reload
}
