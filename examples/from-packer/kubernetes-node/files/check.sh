#!/bin/sh
set -eu
grep -qx br_netfilter /etc/modules-load.d/kubernetes.conf
grep -qx 'net.ipv4.ip_forward = 1' /etc/sysctl.d/90-kubernetes.conf
grep -qx 'SystemdCgroup = true' /etc/containerd/config.toml
# Both sides must agree on who manages cgroups.
grep -qx 'cgroupDriver: systemd' /etc/kubernetes/kubelet.yaml
[ "$(systemctl is-enabled kubelet)" = enabled ]
# Nothing of a cluster may be in the image.
[ ! -e /etc/kubernetes/bootstrap-kubelet.conf ]
