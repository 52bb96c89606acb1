// Package arch holds the tests that keep the architecture: which room may import
// what, and why; which modules the provider depends on, and why; a comment on every
// package; files of a readable size; the size of the binary.
//
// A rule here is a row with its reason. Change a row only together with the reason,
// and with a page in docs/decisions when it is a decision.
package arch
