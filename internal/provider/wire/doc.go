// Package wire stands between Terraform and the framework. What grows with a fleet, a
// map of 10,000 instances, say, it folds into one string before the framework sees it,
// and unfolds on the way back: the framework visits every leaf of a value several times
// and looks up the schema from its root each time, and a string is one leaf. Terraform
// sees nothing of it; the resource folds and unfolds such a value by Fold and Unfold.
package wire
