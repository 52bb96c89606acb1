#!/bin/sh
# With a network: "dnf -y install containerd runc", and kubelet, kubeadm and kubectl of
# KUBERNETES_VERSION with their published sums.
set -eu
echo "$KUBERNETES_VERSION" >/etc/kubernetes/version
# A node must not swap: the kubelet refuses to start.
if [ -f /etc/fstab ]; then
  sed -i '/[[:space:]]swap[[:space:]]/d' /etc/fstab
fi
systemctl daemon-reload
systemctl enable kubelet
