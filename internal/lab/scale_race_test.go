//go:build race

package lab_test

// manyInstances is smaller under the race detector, which makes everything ten times
// slower.
const manyInstances = 3000
