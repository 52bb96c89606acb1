// Package arch holds the tests that keep the architecture: which room may import
// what, and why; files of a readable size; a doc.go in every package.
package arch
