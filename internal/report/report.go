package report

import (
	"errors"
	"fmt"
	"strings"
)

// Failure is an error that a person can act on. Its five parts become the five
// short paragraphs of a diagnostic.
type Failure struct {
	// Summary says what did not happen, with the name of the resource: at most 80
	// characters, no full stop.
	Summary string
	// Subject names the thing it happened to: id, region, step.
	Subject string
	// Cause is why. Errors of package cloud carry AWS's own code, message and
	// request id.
	Cause error
	// Now says what is there at this moment: kept, removed, left.
	Now string
	// Next says what to do.
	Next string
}

// Error returns the failure in one line, cleaned.
func (f *Failure) Error() string {
	parts := []string{f.Summary}
	if f.Subject != "" {
		parts = append(parts, f.Subject)
	}
	if f.Cause != nil {
		parts = append(parts, f.Cause.Error())
	}
	return Clean(strings.Join(parts, ": "))
}

// Title returns the summary, cleaned.
func (f *Failure) Title() string { return Clean(f.Summary) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Detail returns everything but the summary, one paragraph a part, cleaned.
func (f *Failure) Detail() string {
	var paragraphs []string
	add := func(label, text string) {
		if text = strings.TrimSpace(text); text != "" {
			paragraphs = append(paragraphs, label+": "+text)
		}
	}
	add("Which", f.Subject)
	if f.Cause != nil {
		add("Why", f.Cause.Error())
	}
	add("Now", f.Now)
	add("Next", f.Next)
	return Clean(strings.Join(paragraphs, "\n\n"))
}

// As returns the outermost Failure in err's chain, or one made of err itself with
// the given summary.
func As(err error, summary string) *Failure {
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	return &Failure{Summary: summary, Cause: err}
}

// Warning is something that a person should know although the work was done.
type Warning struct {
	// Summary says it in one line, without a full stop.
	Summary string
	// Detail says the rest.
	Detail string
}

// Title returns the summary, cleaned.
func (w Warning) Title() string { return Clean(w.Summary) }

// Text returns the detail, cleaned.
func (w Warning) Text() string { return Clean(w.Detail) }

// Progress receives one line for each phase as it happens. A nil Progress is
// silent.
type Progress func(line string)

// Printf reports one formatted line, cleaned.
func (p Progress) Printf(format string, args ...any) {
	if p != nil {
		p(Clean(fmt.Sprintf(format, args...)))
	}
}
