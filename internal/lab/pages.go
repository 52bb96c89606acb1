package lab

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// pageLimits are the bounds of an action's MaxResults.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination
type pageLimits struct {
	least, most int
	// capped actions take a larger value for the largest one; the others refuse it.
	capped bool
}

// pageParams are the parameters of an action that answers in pages.
type pageParams struct {
	MaxResults *int
	NextToken  string
}

// object is what everything in a region is: it has an id, a place in the order of
// creation, and tags.
type object struct {
	id   string
	seq  int
	tags tagMap
	// home is nil for what is no thing of its own.
	home *region
	// appearsAt is set while the thing is too new to be described, tagsAt while its former
	// tags still are.
	appearsAt, tagsAt time.Time
	formerTags        tagMap
}

func (o *object) self() *object { return o }

// thing is anything that embeds an object.
type thing interface{ self() *object }

// page cuts one page out of things that are in order of creation. A page goes on
// after the last thing of the one before, so that what appears or vanishes between
// two pages neither repeats nor hides others.
func page[T thing](all []T, asked pageParams, limits pageLimits) (some []T, next string, err *apiError) {
	after := 0
	if asked.NextToken != "" {
		if after, err = readToken(asked.NextToken); err != nil {
			return nil, "", err
		}
	}
	size := len(all)
	if asked.MaxResults != nil {
		size = *asked.MaxResults
		if size < limits.least {
			return nil, "", invalid("Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.", size, limits.least)
		}
		if size > limits.most && !limits.capped {
			return nil, "", invalid("Value ( %d ) for parameter maxResults is invalid. Expecting a value less than or equal to %d.", size, limits.most)
		}
		size = min(size, limits.most)
	}
	for _, candidate := range all {
		if candidate.self().seq <= after {
			continue
		}
		if len(some) == size {
			return some, writeToken(some[size-1].self().seq), nil
		}
		some = append(some, candidate)
	}
	return some, "", nil
}

// maxIDs is how many ids one call may name.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination
const maxIDs = 1000

// checkIDs refuses ids that could not be any, and too many of them.
func checkIDs(ids []string, prefix string, malformed func(id string) *apiError) *apiError {
	if len(ids) > maxIDs {
		return invalid("The request names %d IDs; at most %d are possible", len(ids), maxIDs)
	}
	for _, id := range ids {
		if !wellFormed(id, prefix) {
			return malformed(id)
		}
	}
	return nil
}

const tokenPrefix = "after:"

func writeToken(seq int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + strconv.Itoa(seq)))
}

func readToken(token string) (int, *apiError) {
	refused := fail("InvalidNextToken", "The specified NextToken is not valid")
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, refused
	}
	digits, ok := strings.CutPrefix(string(text), tokenPrefix)
	seq, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return 0, refused
	}
	return seq, nil
}

// listing is one Describe call: which things, and which page of them.
type listing[T thing] struct {
	ids []string
	// absent makes the error for ids that are not there.
	absent  func(ids []string) *apiError
	filters []filterParam
	fields  filterable[T]
	// owner is whose a thing is, where it may be another account's than the caller's; nil
	// means that all are the caller's. by is the caller: of things of others it does not
	// know the tags.
	owner func(T) string
	by    *account
	// also narrows further than ids and filters; nil takes all.
	also   func(T) bool
	page   pageParams
	limits pageLimits
}

// tags are those that the caller knows.
func (asked listing[T]) tags(of T) tagMap {
	if asked.owner != nil && asked.owner(of) != asked.by.id {
		return nil
	}
	return of.self().seenTags()
}

// list answers a Describe call from a table.
func list[T thing](from *table[T], asked listing[T]) (some []T, next string, err *apiError) {
	all, err := from.pick(asked.ids, asked.absent)
	if err != nil {
		return nil, "", err
	}
	match, err := asked.fields.matcher(asked.filters, asked.tags)
	if err != nil {
		return nil, "", err
	}
	matching := make([]T, 0, len(all))
	for _, candidate := range all {
		if !candidate.self().hidden() && match(candidate) && (asked.also == nil || asked.also(candidate)) {
			matching = append(matching, candidate)
		}
	}
	return page(matching, asked.page, asked.limits)
}
