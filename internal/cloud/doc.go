// Package cloud is AWS as the engines see it: clients per region, error classes,
// one poller, pacing, capacity pools, ownership tags and derived client tokens.
//
// It is the only room that imports AWS service packages. Clients are held as
// structs of function values and never as *ec2.Client behind an interface: the
// linker keeps every exported method of every type that becomes an interface, and
// one such use doubles the binary.
package cloud
