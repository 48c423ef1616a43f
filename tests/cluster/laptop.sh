#!/usr/bin/env bash
# The laptop: a bridge with three machines at it. All of them end when its standard input does.
#
#     laptop.sh KEPT...
set -euo pipefail
here=$(dirname "$0")
net=10.77.0
export LAPTOP=$net.1

ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519
ip link add lan type bridge
ip address add "$LAPTOP/24" dev lan
ip link set lan up
number=1
for name in head one two; do
    number=$((number + 1))
    disk=/tmp/$name
    mkdir -p "$disk/$HOME"
    cp -r ~/machine/. "$disk/$HOME"
    mkdir -m 700 "$disk/$HOME/.ssh"
    cp ~/.ssh/id_ed25519.pub "$disk/$HOME/.ssh/authorized_keys"
    ip netns add "$name"
    ip link add "to-$name" type veth peer name eth0 netns "$name"
    ip link set "to-$name" master lan up
    ADDRESS=$net.$number nsenter --net="/run/netns/$name" \
        unshare --mount --pid --uts --ipc --fork --mount-proc --kill-child \
        "$here/host.sh" "$disk" "$name" "$@" </dev/null 2>"/tmp/$name.log" &
done
echo up
cat # until whoever wanted all this has ended
