// Package report is how the engines speak to people: failures that say what
// happened, to which thing, why, what is there now and what to do next; warnings;
// and lines of progress. It knows neither Terraform nor AWS.
package report
