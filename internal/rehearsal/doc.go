// Package rehearsal is where the engines are tested: a region of the lab, reached by
// the real SDK over the real wire, in a bubble of testing/synctest, where hours of
// waiting take no time.
package rehearsal
