// Package ownership says what belongs to one resource object, a golden image line or a
// fleet, and who may work on it at the moment.
//
// An Owner is the object: an id made at its create and kept in state, with its account,
// partition and region. Everything that the object makes carries the id as a tag from the
// first call. Tags find things, and prove nothing: whoever may call CreateTags can write
// them. A thing is believed only when something that nobody can write afterwards says so
// too: an instance's client token, an image's name and what it was made from.
//
// A Lease says that an apply is at work: a launch template whose name only one apply can
// take, and whose versions are the signs of life of whoever holds it. That of a create is
// deleted by the create's very last request, so that a lease which is left says that no
// state knows of what was made.
//
// docs/decisions/009-ownership.md says why it is so.
package ownership
