// Package cloudtest keeps tests that speak to AWS, or to what stands in for it, apart
// from the machine that runs them.
package cloudtest
