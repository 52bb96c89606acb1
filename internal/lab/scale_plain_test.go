//go:build !race

package lab_test

// manyInstances is the fleet of the scale tests.
const manyInstances = 10000
