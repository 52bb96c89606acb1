// Package lives holds simulations of Terraform over both engines: random lives of a golden
// image line and two fleets, with edits, kills, drift by hand, what other teams tag, and a
// second workspace that wants the same names. Each life has a seed and can be lived again
// alone. The package is tests only.
package lives
