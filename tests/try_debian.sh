#!/usr/bin/env bash
# Try README's two commands in a bare Debian: tests/try_debian.sh RELEASE [TARGET ...]
#
#   tests/try_debian.sh bookworm             # Debian 12: make demo, make test
#   tests/try_debian.sh trixie setup test    # Debian 13: these targets only
#
# As root, with debootstrap installed. It clones HEAD into a root made by debootstrap that holds what
# README asks for and nothing else, and runs the targets there, each with its output in a file beside
# the clone. A root of an earlier call is used again: its clone is brought to HEAD, its .venv stays.
# Packages come from where this machine has them: apt's mirror, pip's settings and local folders.
#
#   ROOT     where the root lies (/tmp/mmpanonas-RELEASE)
#   WHEELS   a folder of wheels, such as mmcv's for the release's Python, to save compiling
#   RUN      a command line to run in the clone instead of targets
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0"; exit 2; }
release=$1
shift
[ $# -gt 0 ] || set -- demo test
repository=$(cd "$(dirname "$0")/.." && pwd)
root=${ROOT:-/tmp/mmpanonas-$release}
clone=/srv/mmpanonas

mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' 2>/dev/null |
        grep -v security | head -n 1
}
make_root() {
    rm -rf "$root.part"
    debootstrap --variant=minbase --include=ca-certificates "$release" "$root.part" "$(mirror)"
    mv "$root.part" "$root"
}
[ -d "$root" ] || make_root

mounted=()
unmount() {
    for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount -l "${mounted[i]}"; done
}
trap unmount EXIT
mounting() { # PLACE, then what `mount` is told
    mkdir -p "$root$1"
    if mountpoint -q "$root$1"; then umount -l "$root$1"; fi # of a call that was killed
    mount "${@:2}" "$root$1"
    mounted+=("$root$1")
}
mounting /proc -t proc proc
mounting /sys -t sysfs -o ro sysfs
mounting /dev/shm -t tmpfs tmpfs

# The network and pip, as this machine has them.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
for file in /etc/pip.conf /etc/xdg/pip "$HOME/.config/pip" "$HOME/.pip"; do
    [ ! -e "$file" ] || { mkdir -p "$root$(dirname "$file")" && cp -rT "$file" "$root$file"; }
done
settings=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
while IFS= read -r setting; do settings+=("$setting"); done \
    < <(env | grep -E '^(PIP_|MAX_JOBS|OMP_NUM_THREADS|MMPANONAS_)|_proxy=|_PROXY=' || true)
words=$(python3 -m pip config list | grep -oE "(file://)?/[^' \\]+" | sort -u)
for word in $words; do
    folder=${word#file://}
    [ "$folder" = "$word" ] || folder=$(dirname "$folder") # an index, whose files lie beside it
    [ ! -d "$folder" ] || mounting "$folder" --bind -o ro "$folder"
done
if [ -n "${WHEELS:-}" ]; then
    mounting "$(realpath "$WHEELS")" --bind -o ro "$(realpath "$WHEELS")"
    settings+=("PIP_FIND_LINKS=${PIP_FIND_LINKS:-} $(realpath "$WHEELS")")
fi

inside() { chroot "$root" /usr/bin/env -i "${settings[@]}" bash -c "cd $clone && $1"; }
mkdir -p "$root$clone"
if [ ! -e "$root/srv/.ready" ]; then # what README asks for, and git
    inside "apt-get update && apt-get install -y --no-install-recommends git make g++ python3-venv python3-dev"
    touch "$root/srv/.ready"
fi
if [ -d "$root$clone/.git" ]; then
    git -C "$root$clone" fetch -q "$repository" HEAD
    git -C "$root$clone" reset -q --hard FETCH_HEAD
else
    git clone -q "$repository" "$root$clone"
fi
echo "$release, $(inside "python3 --version"), commit $(git -C "$repository" rev-parse --short HEAD)"
if [ -n "${RUN:-}" ]; then
    inside "$RUN"
    exit
fi
failed=0
for target in "$@"; do
    log=$root/srv/$target.log
    started=$SECONDS
    inside "make $target" >"$log" 2>&1 && said=ok || { said="FAILED"; failed=1; }
    echo "make $target: $said after $((SECONDS - started)) s ($log)"
    [ "$said" = ok ] || tail -n 20 "$log"
done
exit $failed
