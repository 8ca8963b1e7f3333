
if [[ -z $login_user ]]; then die "the image has no user with the id 1000"; fi
install_python 'jupyterlab>=4,<5' 'ipykernel>=6'
write_jupyter_unit
systemctl enable --now "$jupyter_unit"
