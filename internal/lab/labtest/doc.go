// Package labtest puts a lab within reach of tests: on a local port, or inside a
// bubble of testing/synctest.
package labtest
