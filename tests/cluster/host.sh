#!/usr/bin/env bash
# Becomes a machine of its own, within namespaces of its own (mounts, processes, name, IPC):
# own disk, own sshd. Of the machine below it sees the rest read-only.
#
#     host.sh DISK NAME KEPT...
#
# DISK: folder below which the machine's own folders lie. KEPT: what it is to see even where these
# would hide it, read-only: the Python installation. The laptop does not run sshd, but the others.
set -euo pipefail
disk=$1 name=$2
shift 2

mount --make-rprivate /
HOME=$(getent passwd root | cut -d: -f6)
own=(/tmp /dev/shm /run "$HOME")
mkdir -p "${own[@]/#/$disk}"
mount --rbind "$disk" /mnt # where it stays in sight when /tmp is replaced
for folder in "${own[@]}"; do
    for kept in "$@"; do
        if [[ $kept == "$folder"/* ]]; then
            mkdir -p "/mnt$kept"
            mount --bind "$kept" "/mnt$kept"
            mount -o remount,bind,ro "/mnt$kept"
        fi
    done
done
for folder in "${own[@]}"; do mount --rbind "/mnt$folder" "$folder"; done
umount -l /mnt
mount -o remount,bind,ro /

hostname "$name"
ip link set lo up

if [[ $name == laptop ]]; then
    exec "$(dirname "$0")/laptop.sh" "$@"
fi

ip link set eth0 up
ip address add "$ADDRESS/24" dev eth0
ip route add default via "$LAPTOP" # Ray finds its own address by it
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N "" -f "$HOME/hostkey"
exec "$(command -v sshd)" -D -e -f /dev/null -h "$HOME/hostkey" -o UsePAM=no -o PidFile=none
