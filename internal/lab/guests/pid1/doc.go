// Package pid1 is what runs inside a guest of the lab: the process with id 1 of
// the guest's own namespaces. It puts the guest's file systems together, brings up
// its network, boots it as cloud-init would, runs commands, reaps what others left
// behind and powers the guest off.
//
// There is no second binary: a program that imports this package becomes a guest's
// first process when it is started as process 1 of a new pid namespace with [Env]
// set. [NewCommand] prepares such a start.
package pid1
