
directory() {
  [ ! -L "$1" ] || stop "$1: is a link, wanted a directory"
  [ -d "$1" ] || act mkdir -p "$1"
  owned "$1" "$2" "$3"
}

# Only for what lies in directories of root's.
owned() {
  if [ "$(stat -c '%U:%G' "$1" 2>/dev/null)" != "$2" ]; then act chown "$2" "$1"; fi
  # After chown, which takes the setuid bit away.
  if [ "$(stat -c '%a' "$1" 2>/dev/null)" != "${3#0}" ]; then act chmod "$3" "$1"; fi
}

# Everything new is put beside its place first, so that one rename each is all that an upgrade shows to callers: under each name there is
# always a program that works, the old one or the new one, and either works with the other's wrapper.
gather_programs() {
  gathered_tools='' gathered_commands='' first_link=''
  [ ! -e "$incoming" ] || act rm -rf "$incoming"
  for tool in $tools; do gather_tool "$tool"; done
  # Beside the tools, which look for it there; init_dbs runs before they are in their places.
  if [ -n "$gathered_tools" ]; then
    rm -f "$incoming/libexec/postgres.node"
    act cp "$from/libexec/postgres.node" "$incoming/libexec/postgres.node"
    act chown root:root "$incoming/libexec/postgres.node"
    act chmod 0644 "$incoming/libexec/postgres.node"
    gathered_tools="$gathered_tools postgres.node"
  else
    gather libexec postgres.node root:root 0644
  fi
  for command in $plain_commands; do gather bin "$command" root:root 0755; done
  for command in $setuid_commands; do gather bin "$command" "$account:$group" 4755; done
}

# One executable may be all tools, under as many names: it stays one. The package's own files are linked, so that they take no more room.
gather_tool() {
  source=$from/libexec/$1
  target=$prefix/libexec/$1
  if [ -n "$first_link" ] && [ "$(inode_of "$source")" = "$(inode_of "$from/libexec/$first_link")" ]; then
    anchor=$incoming/libexec/$first_link
    is_listed "$first_link" "$gathered_tools" || anchor=$prefix/libexec/$first_link
    [ "$(inode_of "$target")" != "$(inode_of "$anchor")" ] || return 0
    act mkdir -p "$incoming/libexec"
    act ln "$anchor" "$incoming/libexec/$1"
    gathered_tools="$gathered_tools $1"
    return
  fi
  [ -n "$first_link" ] || [ "$(stat -c %h "$source")" = 1 ] || first_link=$1
  if [ $package = no ]; then
    gather libexec "$1" root:root 0111
  elif [ "$(inode_of "$source")" != "$(inode_of "$target")" ]; then
    owned "$source" root:root 0111
    act mkdir -p "$incoming/libexec"
    act ln "$source" "$incoming/libexec/$1"
    gathered_tools="$gathered_tools $1"
  else
    owned "$target" root:root 0111
  fi
}

# $1/$2 with this owner and mode, where it is not there already.
gather() {
  if [ -f "$prefix/$1/$2" ] && [ ! -L "$prefix/$1/$2" ] && cmp -s "$from/$1/$2" "$prefix/$1/$2"; then
    owned "$prefix/$1/$2" "$3" "$4"
    return
  fi
  act mkdir -p "$incoming/$1"
  act cp "$from/$1/$2" "$incoming/$1/$2"
  act chown "$3" "$incoming/$1/$2"
  act chmod "$4" "$incoming/$1/$2"
  if [ "$1" = bin ]; then gathered_commands="$gathered_commands $2"; else gathered_tools="$gathered_tools $2"; fi
}

switch_programs() {
  for tool in $gathered_tools; do act mv -f "$incoming/libexec/$tool" "$prefix/libexec/$tool"; done
  for command in $gathered_commands; do
    target=$prefix/bin/$command
    replaced=
    # A setuid program that is replaced loses its bits right after: a hard link to one with a hole would otherwise outlive it.
    if [ -u "$target" ] && [ ! -L "$target" ]; then
      replaced=$prefix/bin/.replaced-$command
      act ln -f "$target" "$replaced"
    fi
    act mv -f "$incoming/bin/$command" "$target"
    [ -z "$replaced" ] || retire "$replaced"
  done
  if [ ! -f "$prefix/libexec/install" ] || ! cmp -s "$0" "$prefix/libexec/install"; then
    act cp "$0" "$prefix/libexec/.install.new"
    act chmod 0755 "$prefix/libexec/.install.new"
    act mv -f "$prefix/libexec/.install.new" "$prefix/libexec/install"
  fi
  [ ! -e "$incoming" ] || act rm -rf "$incoming"
}

retire() {
  act chmod 0 "$1"
  act rm -f "$1"
}

# A setuid command that an older version had and this one has not, and what an upgrade that was killed left.
retire_old_commands() {
  for path in "$prefix"/bin/* "$prefix"/bin/.replaced-*; do
    if [ ! -u "$path" ] || [ -L "$path" ] || [ "$(stat -c %U "$path")" != "$account" ]; then continue; fi
    is_listed "$(basename "$path")" "$setuid_commands" || retire "$path"
  done
}

inode_of() { stat -c %d:%i "$1" 2>/dev/null || printf none; }

is_listed() {
  case " $2 " in
    *" $1 "*) return 0 ;;
  esac
  return 1
}
