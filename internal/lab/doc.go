// Package lab is a cloud to rehearse on: EC2, Auto Scaling, SSM, STS, S3 and KMS over
// their own wire protocols, in memory, so that the real SDK, other providers and the
// AWS CLI can be pointed at it.
//
// A request takes one way in: [Lab.ServeHTTP] reads service and region from the
// credential scope, counts the request in the books, asks the weather, runs the
// action under the lab's one lock, asks the weather again and writes the answer.
// What is not implemented answers as AWS answers what it does not know, never with
// a made-up success; so does a parameter that the lab does not understand.
//
// Weather is how long things take, how many requests are too many, and how often
// something goes wrong by itself: at once and never in calm weather, as on AWS in aws
// weather, and with bad luck besides in a storm. What befalls whom depends on the seed
// and on names, of things or of numbered requests, and on nothing else. Troubles are
// what goes wrong because a test ordered it ([Lab.Order]).
//
// Things take their time by the agenda: a launch writes down when its instances
// will run, and every request begins by carrying out what has come due. There is no
// background goroutine except those that drive guests, so that a lab also lives in
// a bubble of testing/synctest.
//
// A browser that comes to the endpoint's root finds a page (the directory page), which
// shows what is there, from [Lab.State].
//
// Signatures are not checked, and there is no IAM: every caller is an account's own
// administrator or a role that it has assumed, and every well-formed instance
// profile, role and issuer of tokens exists. An access key that is an account's number,
// or a role of that account's, leads into the account; all others into the lab's own.
// What accounts share they see as on AWS: images, snapshots and keys. What a signature says of time counts: a
// presigned URL expires, and so do a role's keys.
//
// A guest has no network but two addresses. At 169.254.169.254 it finds its metadata.
// At the address at which the lab was asked to boot it, it finds the lab itself, so
// that a URL that somebody presigned against the lab works inside as it does outside;
// the door below /_lab/ is not there. Systems Manager's agent is where AWS has it:
// in Amazon Linux's images and in those of Windows, with an instance profile. It is part
// of the guest, so where guests are off, and on Windows with real guests, which are
// Linux's, no instance is managed; one of Windows then ends at once.
//
// Whoever reaches the lab is root in its guests, so the lab keeps pages of other sites
// away, which a browser would let reach it (guard.go), and its command listens on loopback
// alone unless told otherwise. What is inside guests has no rights over the machine, and
// what it may use of it is limited (package guests). The lab does not protect from other
// programs of the same machine, which reach its port, nor the kernel from its guests.
package lab
